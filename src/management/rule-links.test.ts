import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nameOf, ruleAt, triggerAt } from '../../test/conformance/artifact-fixtures.ts'
import type { Revision } from '../model/ids.ts'
import { formatPath } from '../model/names.ts'
import type { Rule } from '../model/rule.ts'
import type { Trigger } from '../model/trigger.ts'
import { linkRule } from '../model/trigger.ts'
import type { ArtifactStore, Entity } from '../stores/artifact-store.ts'
import type { RuleLinksDeps } from './rule-links.ts'
import { unlinkIfStray } from './rule-links.ts'

const TRIGGER = nameOf('ns/t')
const RULE: Rule = { ...ruleAt('ns/r'), trigger: TRIGGER }

/** A store of a rule, where there is one, and a trigger that links it; `onWrite` happens right after each write of the trigger. */
function store(rule: Rule | undefined, onWrite: (documents: Map<string, Entity>) => void = () => undefined) {
  const path = formatPath(RULE)
  const trigger: Trigger = linkRule(triggerAt('ns/t'), path, { action: RULE.action, status: 'active' })
  const documents = new Map<string, Entity>([[formatPath(TRIGGER), trigger]])
  if (rule !== undefined) documents.set(path, rule)
  const artifacts: Pick<ArtifactStore, 'getEntity' | 'putEntity'> = {
    async getEntity(name) {
      const document = documents.get(formatPath(name))
      return document === undefined ? undefined : { revision: '1' as Revision, document }
    },
    async putEntity(document) {
      documents.set(formatPath(document), document)
      onWrite(documents)
      return '1' as Revision
    },
  }
  const on: RuleLinksDeps = { artifacts, changed: () => undefined }
  const link = (): string | undefined => {
    const found = documents.get(formatPath(TRIGGER))
    return found?.entityType === 'trigger' ? found.rules?.[path]?.status : undefined
  }
  return { on, link }
}

test('7.8: a link whose rule is gone, or says another trigger, is removed; that of a rule that is there stays', async () => {
  for (const [rule, left] of [
    [undefined, undefined],
    [{ ...RULE, trigger: nameOf('ns/other') }, undefined],
    [RULE, 'active'],
  ] as const) {
    const { on, link } = store(rule)
    await unlinkIfStray(RULE, TRIGGER, on)
    assert.equal(link(), left)
  }
})

test('7.8: a rule that was made anew in the very moment that its link is taken for a stray one gets it back', async () => {
  const { on, link } = store(undefined, (documents) => documents.set(formatPath(RULE), RULE))
  await unlinkIfStray(RULE, TRIGGER, on)
  assert.equal(link(), 'active')
})
