/**
 * A text that grows by small parts. A string that is appended to and looked at in turn is made whole for each look, so a block of a
 * hundred thousand words would be copied as often: here only the last part is looked at.
 */
export class GrowingText {
  #parts: string[] = [];

  get empty(): boolean {
    return this.#parts.length === 0;
  }

  /** True when a space or line feed is last. */
  get endsBlank(): boolean {
    const last = this.#parts.at(-1);
    return last !== undefined && (last.endsWith(' ') || last.endsWith('\n'));
  }

  add(part: string): void {
    if (part !== '') this.#parts.push(part);
  }

  trimEnd(): void {
    for (let last = this.#parts.pop(); last !== undefined; last = this.#parts.pop()) {
      const trimmed = last.trimEnd();
      if (trimmed === '') continue;
      this.#parts.push(trimmed);
      return;
    }
  }

  /** The whole text, which is empty afterwards. */
  take(): string {
    const text = this.#parts.join('');
    this.#parts = [];
    return text;
  }
}
