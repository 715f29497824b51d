/** The lines of an input that takes several, without blanks around them and without empty ones. */
export function inputLines(text: string): readonly string[] {
	return text
		.split(/\r?\n/)
		.map((line) => line.trim())
		.filter((line) => line !== '');
}
