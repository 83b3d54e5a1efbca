/**
 * The links of rules in their triggers. A rule and its trigger are two documents that no store has to write at once, so everything here can be cut off
 * between two writes. The order of the writes sees to it that what is left then is a rule without a link, which is inactive and is linked again by
 * enabling it; and whoever has linked looks once more whether the rule is still the one that was linked.
 */

import type { FullyQualifiedName } from '../model/names.ts'
import { formatPath } from '../model/names.ts'
import { concurrentModification } from '../model/errors.ts'
import type { Rule } from '../model/rule.ts'
import type { RuleStatus, Trigger } from '../model/trigger.ts'
import { linkRule, unlinkRule } from '../model/trigger.ts'
import type { ArtifactStore, Stored } from '../stores/artifact-store.ts'
import { RevisionConflict } from '../stores/artifact-store.ts'
import { isOfType } from './find-entity.ts'
import type { NotifyChange } from './store-change.ts'

export interface RuleLinksDeps {
  readonly artifacts: Pick<ArtifactStore, 'getEntity' | 'putEntity'>
  readonly changed: NotifyChange
}

/** Writes of a trigger that lost against others, before the caller is told so: rules of one trigger are made by the dozen at once. */
const ATTEMPTS = 50

/** The trigger of that name; undefined when it is gone, or when something of another type has the name now. */
export async function readTrigger(
  name: FullyQualifiedName,
  on: Pick<RuleLinksDeps, 'artifacts'>,
): Promise<Stored<Trigger> | undefined> {
  const found = await on.artifacts.getEntity(name)
  if (found === undefined || !isOfType(found.document, 'trigger')) return undefined
  return { revision: found.revision, document: found.document }
}

/**
 * Links the rule, as it was just written or read, to its trigger. Resolves with false when there is no such trigger, or the rule was removed meanwhile.
 * Rejects with 409 when others write the trigger all the time.
 */
export async function linkToTrigger(rule: Stored<Rule>, status: RuleStatus, on: RuleLinksDeps): Promise<boolean> {
  const path = formatPath(rule.document)
  let current = rule
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { trigger, action } = current.document
    if (!(await changeTrigger(trigger, (found) => linked(found, path, { action, status }), on))) return false
    const now = await readRule(current.document, on)
    if (now?.revision === current.revision) return true
    // Somebody was faster than our link, which must not outlive what it was made for.
    if (!isOf(now, trigger)) await unlinkFromTrigger(trigger, path, on)
    if (now === undefined) return false
    current = now
  }
  throw concurrentModification()
}

/** Takes the rule `path` (`NS/R`) out of the trigger, if that is there. Rejects with 409 as above. */
export async function unlinkFromTrigger(trigger: FullyQualifiedName, path: string, on: RuleLinksDeps): Promise<void> {
  await changeTrigger(trigger, (found) => (found.rules?.[path] === undefined ? found : unlinkRule(found, path)), on)
}

/**
 * To be called when a rule was removed, or moved away from the trigger, and had been unlinked before: who enabled it or made it between the two has looked
 * at a rule that was still the one that he linked. Rejects with 409 as above.
 */
export async function unlinkIfStray(
  name: FullyQualifiedName,
  trigger: FullyQualifiedName,
  on: RuleLinksDeps,
): Promise<void> {
  if (isOf(await readRule(name, on), trigger)) return
  await unlinkFromTrigger(trigger, formatPath(name), on)
  // Made anew, or moved back, in this moment: the link that was taken away was its own.
  const now = await readRule(name, on)
  if (now !== undefined && isOf(now, trigger)) await linkToTrigger(now, 'active', on)
}

function isOf(rule: Stored<Rule> | undefined, trigger: FullyQualifiedName): boolean {
  return rule !== undefined && formatPath(rule.document.trigger) === formatPath(trigger)
}

/** Turns the link of the rule off, if there is one. Rejects with 409 as above. */
export async function deactivateLink(trigger: FullyQualifiedName, path: string, on: RuleLinksDeps): Promise<void> {
  const turnOff = (found: Trigger): Trigger => {
    const link = found.rules?.[path]
    return link === undefined ? found : linked(found, path, { ...link, status: 'inactive' })
  }
  await changeTrigger(trigger, turnOff, on)
}

function linked(trigger: Trigger, path: string, link: Parameters<typeof linkRule>[2]): Trigger {
  const held = trigger.rules?.[path]
  const same = held?.status === link.status && formatPath(held.action) === formatPath(link.action)
  return same ? trigger : linkRule(trigger, path, link)
}

/** Writes what `change` makes of the trigger, unless that is the trigger itself. Resolves with false when there is none. */
async function changeTrigger(
  name: FullyQualifiedName,
  change: (trigger: Trigger) => Trigger,
  on: RuleLinksDeps,
): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await readTrigger(name, on)
    if (stored === undefined) return false
    const changed = change(stored.document)
    if (changed === stored.document || (await put(changed, stored, on))) return true
  }
  throw concurrentModification()
}

/** False when somebody else wrote the trigger since it was read. */
async function put(trigger: Trigger, { revision }: Stored<Trigger>, on: RuleLinksDeps): Promise<boolean> {
  try {
    await on.artifacts.putEntity(trigger, undefined, revision)
  } catch (error) {
    if (error instanceof RevisionConflict) return false
    throw error
  }
  on.changed({ type: 'entity', name: trigger })
  return true
}

async function readRule(name: FullyQualifiedName, on: RuleLinksDeps): Promise<Stored<Rule> | undefined> {
  const found = await on.artifacts.getEntity(name)
  if (found === undefined || !isOfType(found.document, 'rule')) return undefined
  return { revision: found.revision, document: found.document }
}
