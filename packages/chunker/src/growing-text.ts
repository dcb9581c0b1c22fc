/**
 * A text that grows by small parts. A string that is appended to and looked at in turn is made whole for each look, so a block of a
 * hundred thousand words would be copied as often: here what is looked at is the last character, or a tail of bounded length.
 */

/** Code units of the tail, beyond which it joins the parts that nobody looks at. */
const LONGEST_TAIL = 1_024;

export class GrowingText {
  #parts: string[] = [];
  #tail = '';
  /** The last code unit; NaN when there is none. */
  #last = Number.NaN;

  get empty(): boolean {
    return this.#tail === '' && this.#parts.length === 0;
  }

  /** True when a space or line feed is last. */
  get endsBlank(): boolean {
    return this.#last === 0x20 || this.#last === 0x0a;
  }

  add(part: string): void {
    if (part === '') return;
    this.#last = part.charCodeAt(part.length - 1);
    this.#tail += part;
    if (this.#tail.length <= LONGEST_TAIL) return;
    this.#parts.push(this.#tail);
    this.#tail = '';
  }

  trimEnd(): void {
    // Letters, digits and signs of ASCII are most of what a line ends in.
    if (this.#last > 0x20 && this.#last < 0x80) return;
    let tail = this.#tail.trimEnd();
    while (tail === '' && this.#parts.length > 0) tail = this.#parts.pop()!.trimEnd();
    this.#tail = tail;
    this.#last = tail.charCodeAt(tail.length - 1);
  }

  /** The whole text, which is empty afterwards. */
  take(): string {
    const text = this.#parts.length === 0 ? this.#tail : this.#parts.join('') + this.#tail;
    this.#parts = [];
    this.#tail = '';
    this.#last = Number.NaN;
    return text;
  }
}
