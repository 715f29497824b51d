import { CacheError } from '../../../errors.ts';
import { type IndexHead, MAX_WRITER_CHARS, type PackRecord, type PathRecord } from './index-layout.ts';
import { isPackKey, isSlot } from './keys.ts';
import type { Mention } from './model.ts';
import { HEADER_BYTES, TRAILER_BYTES } from './pack.ts';

/** The head of an index's body, every field checked. Throws `format-invalid`. */
export function parseHead(text: string): IndexHead {
	const fields = fieldsOf(text, 'head');
	const { storeDir, writer } = fields;
	if (typeof storeDir !== 'string' || !/^\/[^\0\n]{1,4000}$/.test(storeDir)) throw wrong('head', 'storeDir');
	if (typeof writer !== 'string' || writer.length > MAX_WRITER_CHARS || /\p{Cc}/u.test(writer)) throw wrong('head', 'writer');
	const slot = slotOf(fields.slot, 'slot');
	const openSlots = listOf(fields.openSlots, 'head', 'openSlots').map((one) => slotOf(one, 'openSlots'));
	if (openSlots.some((one) => one >= slot) || !areDistinct(openSlots)) throw wrong('head', 'openSlots');
	const packs = listOf(fields.packs, 'head', 'packs').map(packOf);
	if (!areDistinct(packs.map(({ key }) => key))) throw wrong('head', 'packs');
	return {
		slot,
		openSlots,
		createdAt: count(fields.createdAt, 'head', 'createdAt'),
		writer,
		storeDir,
		packs,
		chunks: count(fields.chunks, 'head', 'chunks'),
		paths: count(fields.paths, 'head', 'paths'),
	};
}

/** The record of one path, every field checked but for what only the rest of the index can tell. Throws `format-invalid`. */
export function parseRecord(text: string): PathRecord {
	const fields = fieldsOf(text, 'record');
	const { name, narHash, deriver, ca } = fields;
	if (typeof name !== 'string') throw wrong('record', 'name');
	if (!isSha256(narHash)) throw wrong('record', 'narHash');
	if (deriver !== undefined && typeof deriver !== 'string') throw wrong('record', 'deriver');
	if (ca !== undefined && typeof ca !== 'string') throw wrong('record', 'ca');
	return {
		name,
		narHash,
		narSize: count(fields.narSize, 'record', 'narSize'),
		refs: listOf(fields.refs ?? [], 'record', 'refs').map((one) =>
			typeof one === 'string' ? one : count(one, 'record', 'refs'),
		),
		sigs: signaturesOf(fields.sigs),
		...(deriver === undefined ? {} : { deriver }),
		...(ca === undefined ? {} : { ca }),
		used: count(fields.used, 'record', 'used'),
		chunks: listOf(fields.chunks, 'record', 'chunks').map((line) => count(line, 'record', 'chunks')),
	};
}

/** Of a record only what it adds to that of a newer index. Throws `format-invalid`. */
export function parseMention(text: string): Mention {
	const { used, sigs } = fieldsOf(text, 'record');
	return { usedAt: count(used, 'record', 'used'), signatures: signaturesOf(sigs) };
}

function packOf(value: unknown): PackRecord {
	const { key, sizeBytes, createdAt } = asFields(value, 'pack');
	if (typeof key !== 'string' || !isPackKey(key)) throw wrong('pack', 'key');
	const size = count(sizeBytes, 'pack', 'sizeBytes');
	if (size < HEADER_BYTES + TRAILER_BYTES) throw wrong('pack', 'sizeBytes');
	return { key, sizeBytes: size, createdAt: count(createdAt, 'pack', 'createdAt') };
}

function signaturesOf(value: unknown): readonly string[] {
	return listOf(value ?? [], 'record', 'sigs').map(signatureOf);
}

/** It becomes a line of a narinfo. */
function signatureOf(value: unknown): string {
	if (typeof value !== 'string' || !/^[^\s:]+:[A-Za-z0-9+/]{86}==$/.test(value)) throw wrong('record', 'sigs');
	return value;
}

function slotOf(value: unknown, field: string): number {
	const slot = count(value, 'head', field);
	if (!isSlot(slot)) throw wrong('head', field);
	return slot;
}

function areDistinct(values: readonly unknown[]): boolean {
	return new Set(values).size === values.length;
}

function isSha256(value: unknown): value is string {
	return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function count(value: unknown, where: string, field: string): number {
	if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
	throw wrong(where, field);
}

function listOf(value: unknown, where: string, field: string): readonly unknown[] {
	if (Array.isArray(value)) return value;
	throw wrong(where, field);
}

function fieldsOf(text: string, where: string): Readonly<Record<string, unknown>> {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (cause) {
		throw new CacheError('format-invalid', `This is not an index that can be read: a ${where} is not JSON.`, { cause });
	}
	return asFields(value, where);
}

function asFields(value: unknown, where: string): Readonly<Record<string, unknown>> {
	if (isObject(value)) return value;
	throw new CacheError('format-invalid', `This is not an index that can be read: a ${where} is not an object.`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(where: string, field: string): CacheError {
	return new CacheError('format-invalid', `This is not an index that can be read: \`${field}\` of a ${where} is wrong.`);
}
