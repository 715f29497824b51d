/**
 * What runs on the threads of `worker-pool.ts`: CPU work on frames that both sides share. This file is started by its path, from the
 * sources as well as beside the bundle, so it imports nothing but what Node has.
 */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
/** `workerData` of the threads that are to take tasks; whoever imports this file otherwise only gets `compressFrame`. */
export const FRAME_WORKER = 'frame-worker';
/** Compresses a frame on the thread that calls. Zstd writes its size into it, so that readers know what to make room for. */
export function compressFrame(kind, level, frame) {
    // Room for what does not compress (ZSTD_COMPRESSBOUND, deflate's stored blocks): with less, Node goes through several buffers.
    const chunkSize = frame.length + (frame.length >> 8) + 512;
    if (kind === 'gzip')
        return gzipSync(frame, { chunkSize, level });
    return zstdCompressSync(frame, { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level } });
}
/** Smaller buffers may be slices of Node's pool, which others use too. */
const SHARED_POOL_BYTES = 64 * 1024;
const streams = new Map();
function streamAt(stream, offsetBytes) {
    const known = streams.get(stream) ?? { hash: createHash('sha256'), sizeBytes: 0 };
    // A thread that replaced another knows nothing of what that one had hashed.
    if (known.sizeBytes !== offsetBytes)
        throw new Error(`hash stream ${stream} is at ${known.sizeBytes}, not at ${offsetBytes}`);
    streams.set(stream, known);
    return known;
}
/** Ends the life of a buffer. The garbage collector sees little reason to hurry with them, and peak memory would be a third higher. */
export function giveBack({ buffer }) {
    if (buffer instanceof ArrayBuffer && buffer.byteLength > SHARED_POOL_BYTES)
        buffer.transfer(0);
}
/** A copy of its own, to be transferred; the buffer that it came in is given back. */
function exactly(bytes) {
    const copy = new Uint8Array(Buffer.allocUnsafeSlow(bytes.length).buffer);
    copy.set(bytes);
    giveBack(bytes);
    return copy;
}
function sha256(bytes) {
    return createHash('sha256').update(bytes).digest();
}
const FRAME_HASH_BYTES = 16;
/** The first 16 bytes of the frame's SHA-256: enough to tell damage, and to keep half a million of them. */
export function frameHash(frame) {
    return new Uint8Array(sha256(frame).subarray(0, FRAME_HASH_BYTES));
}
/** Each frame behind its hash and its length (4 bytes, little-endian). */
function joinFrames(level, chunks) {
    const frames = chunks.map((chunk) => compressFrame('zstd', level, chunk));
    const joined = Buffer.allocUnsafeSlow(frames.reduce((sum, frame) => sum + FRAME_HASH_BYTES + 4 + frame.length, 0));
    let at = 0;
    for (const frame of frames) {
        joined.set(frameHash(frame), at);
        at = joined.writeUInt32LE(frame.length, at + FRAME_HASH_BYTES);
        joined.set(frame, at);
        at += frame.length;
        giveBack(frame);
    }
    return joined;
}
/** The answer to `chunk-frames`, in the order of the chunks. The frames are views of it, their hashes copies. */
export function splitFrames(joined) {
    const view = new DataView(joined.buffer, joined.byteOffset, joined.length);
    const frames = [];
    for (let at = 0; at < joined.length;) {
        const start = at + FRAME_HASH_BYTES + 4;
        const end = start + view.getUint32(start - 4, true);
        frames.push({ frame: joined.subarray(start, end), frameHash: joined.slice(at, at + FRAME_HASH_BYTES) });
        at = end;
    }
    return frames;
}
function run(task) {
    switch (task.kind) {
        case 'zstd':
        case 'gzip':
            return exactly(compressFrame(task.kind, task.level, task.frame));
        case 'hash': {
            const at = streamAt(task.stream, task.offsetBytes);
            at.hash.update(task.frame);
            at.sizeBytes += task.frame.length;
            return new Uint8Array(0);
        }
        case 'digest': {
            const at = streamAt(task.stream, task.offsetBytes);
            streams.delete(task.stream);
            return exactly(at.hash.digest());
        }
        case 'chunk-ids':
            return exactly(Buffer.concat(task.chunks.map(sha256)));
        case 'chunk-frames':
            return joinFrames(task.level, task.chunks);
    }
}
function answer(task) {
    try {
        return { bytes: run(task) };
    }
    catch (error) {
        return { error: error instanceof Error ? error.message : String(error) };
    }
}
if (workerData === FRAME_WORKER) {
    parentPort?.on('message', (task) => {
        const reply = answer(task);
        parentPort?.postMessage(reply, 'bytes' in reply ? [reply.bytes.buffer] : []);
    });
}
