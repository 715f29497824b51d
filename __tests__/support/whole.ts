/** All bytes of a body. It copies each piece, since a body may overwrite those that were taken. */
export async function whole(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
	const copies: Buffer[] = [];
	for await (const piece of stream) copies.push(Buffer.from(piece));
	return Buffer.concat(copies);
}
