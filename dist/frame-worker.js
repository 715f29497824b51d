/**
 * What runs on the threads of `worker-pool.ts`: CPU work on frames that both sides share. This file is started by its path, from the
 * sources as well as beside the bundle, so it imports nothing but what Node has.
 */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
/** `workerData` of the threads that are to take tasks; whoever imports this file otherwise only gets `compressFrame`. */
export const FRAME_WORKER = 'frame-worker';
/** Compresses a frame on the thread that calls. */
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
/**
 * A copy of its own, to be transferred. The output buffer that it came in is given back at once: the garbage collector sees little
 * reason to hurry, and peak memory would be a third higher.
 */
function exactly(bytes) {
    const copy = new Uint8Array(bytes);
    const { buffer } = bytes;
    if (buffer instanceof ArrayBuffer && buffer.byteLength > SHARED_POOL_BYTES)
        buffer.transfer(0);
    return copy;
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
