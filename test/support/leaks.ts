/**
 * Which of these facts stand in a text: as they are, URL-encoded, or inside base64 at any of its three alignments?
 * Letters' case is ignored for the plain form.
 */
export function leaksOf(text: string, facts: readonly string[]): string[] {
  const lower = text.toLowerCase();
  return facts.filter(
    (fact) =>
      lower.includes(fact.toLowerCase()) ||
      lower.includes(encodeURIComponent(fact).toLowerCase()) ||
      base64Forms(fact).some((form) => text.includes(form)),
  );
}

/** The characters of base64 that are the fact's alone, wherever it begins in a longer text. */
function base64Forms(fact: string): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(fact)]);
    const from = Math.ceil((offset * 8) / 6);
    const to = Math.floor((bytes.length * 8) / 6);
    const plain = bytes.toString('base64').slice(from, to);
    const url = bytes.toString('base64url').slice(from, to);
    // Five characters or fewer would be found by chance.
    return [plain, url].filter((form) => form.length > 5);
  });
}
