/** A binary heap: the element that comes first is found at once, whatever the order of insertion. */

export class Heap<Element> {
  readonly #elements: Element[] = []
  readonly #comesBefore: (one: Element, other: Element) => boolean

  constructor(comesBefore: (one: Element, other: Element) => boolean) {
    this.#comesBefore = comesBefore
  }

  get size(): number {
    return this.#elements.length
  }

  push(element: Element): void {
    const elements = this.#elements
    let at = elements.push(element) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = elements[above]
      if (parent === undefined || !this.#comesBefore(element, parent)) break
      elements[at] = parent
      at = above
    }
    elements[at] = element
  }

  /** Removes and answers the first element; undefined when empty. */
  pop(): Element | undefined {
    const elements = this.#elements
    const first = elements[0]
    const last = elements.pop()
    if (elements.length === 0 || last === undefined) return first
    let at = 0
    for (;;) {
      let below = at * 2 + 1
      let child = elements[below]
      if (child === undefined) break
      const right = elements[below + 1]
      if (right !== undefined && this.#comesBefore(right, child)) {
        child = right
        below++
      }
      if (!this.#comesBefore(child, last)) break
      elements[at] = child
      at = below
    }
    elements[at] = last
    return first
  }

  clear(): void {
    this.#elements.length = 0
  }
}
