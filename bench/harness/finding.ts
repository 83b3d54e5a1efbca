/** What a row found out, and whether it keeps its budget (section 6 of the design; docs/performance.md says why each is what it is). */

export type Budget =
  /** At least that share of the limit. */
  | { readonly type: 'share'; readonly atLeast: number }
  /** At most that many times the limit. */
  | { readonly type: 'factor'; readonly atMost: number }
  /** At most that much more than the limit. */
  | { readonly type: 'added'; readonly atMost: number }
  /** At most that much in itself. */
  | { readonly type: 'most'; readonly value: number }
  /** At least that much in itself. */
  | { readonly type: 'least'; readonly value: number }

export interface Finding {
  readonly row: string
  readonly what: string
  readonly unit: string
  /** What the limit is, where there is one: `echo server`. */
  readonly against?: string
  /** Median of the limit, measured in the same rounds. */
  readonly limit?: number
  /** Median of Stave, or of whom else `what` names. */
  readonly measured: number
  /** measured / limit, or measured - limit: median over the pairs of the rounds, where they were measured in pairs. */
  readonly compared?: number
  /** Absent: for information. */
  readonly budget?: Budget
  /** Other numbers that belong to it. */
  readonly detail?: Readonly<Record<string, number | string>>
}

export type Verdict = 'met' | 'missed' | undefined

/** What was measured against its limit: the difference where the budget is one, else the ratio. NaN where there is no limit. */
export function comparison({ budget, compared, limit = NaN, measured }: Finding): number {
  return compared ?? (budget?.type === 'added' ? measured - limit : measured / limit)
}

/** Whether the budget is kept; undefined where there is none. A number that could not be measured misses it. */
export function verdictOf(finding: Finding): Verdict {
  const { budget } = finding
  if (budget === undefined) return undefined
  return keeps(budget, finding) ? 'met' : 'missed'
}

function keeps(budget: Budget, finding: Finding): boolean {
  switch (budget.type) {
    case 'share':
      return comparison(finding) >= budget.atLeast
    case 'factor':
    case 'added':
      return comparison(finding) <= budget.atMost
    case 'most':
      return finding.measured <= budget.value
    case 'least':
      return finding.measured >= budget.value
  }
}
