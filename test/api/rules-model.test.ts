/** Rules and triggers against a small model, and many changes of one trigger at once: no link may outlive what it was made for. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { isJsonObject } from '../../src/model/json.ts'
import type { ApiServer } from './api-server.ts'
import { startApiServer } from './api-server.ts'
import type { Response } from './table.ts'
import { basic, exchange } from './table.ts'

type Status = 'active' | 'inactive'
interface ModelRule {
  trigger: string
  action: string
}
interface Link {
  action: string
  status: Status
}
/** Triggers with the links of rules in them, and rules. */
interface Model {
  readonly triggers: Map<string, Map<string, Link>>
  readonly rules: Map<string, ModelRule>
}

const triggerName = fc.constantFrom('t', 'u')
const ruleName = fc.constantFrom('r', 's')
const actionName = fc.constantFrom('a', 'b')
const operation = fc.oneof(
  fc.record({ type: fc.constant('putTrigger' as const), trigger: triggerName }),
  fc.record({ type: fc.constant('deleteTrigger' as const), trigger: triggerName }),
  fc.record({
    type: fc.constant('putRule' as const),
    rule: ruleName,
    trigger: fc.option(triggerName, { nil: undefined }),
    action: fc.option(actionName, { nil: undefined }),
  }),
  fc.record({ type: fc.constant('deleteRule' as const), rule: ruleName }),
  fc.record({
    type: fc.constant('status' as const),
    rule: ruleName,
    status: fc.constantFrom('active' as const, 'inactive' as const),
  }),
)
type Step = typeof operation extends fc.Arbitrary<infer Value> ? Value : never

/** What the step does to the model; returns the status of the answer. */
function apply(model: Model, step: Step): number {
  const { triggers, rules } = model
  switch (step.type) {
    case 'putTrigger':
      if (!triggers.has(step.trigger)) triggers.set(step.trigger, new Map())
      return 200
    case 'deleteTrigger':
      return triggers.delete(step.trigger) ? 200 : 404
    case 'putRule': {
      const before = rules.get(step.rule)
      const trigger = step.trigger ?? before?.trigger
      const action = step.action ?? before?.action
      if (trigger === undefined || action === undefined || !triggers.has(trigger)) return 400
      const status = before === undefined ? 'active' : statusOf(model, step.rule)
      if (before !== undefined) triggers.get(before.trigger)?.delete(step.rule)
      rules.set(step.rule, { trigger, action })
      triggers.get(trigger)?.set(step.rule, { action, status })
      return 200
    }
    case 'deleteRule': {
      const rule = rules.get(step.rule)
      if (rule === undefined) return 404
      triggers.get(rule.trigger)?.delete(step.rule)
      rules.delete(step.rule)
      return 200
    }
    case 'status': {
      const rule = rules.get(step.rule)
      if (rule === undefined) return 404
      const links = triggers.get(rule.trigger)
      if (step.status === 'active') links?.set(step.rule, { action: rule.action, status: 'active' })
      else if (links?.has(step.rule) === true) links.set(step.rule, { action: rule.action, status: 'inactive' })
      return step.status === 'active' && links === undefined ? 404 : 200
    }
  }
}

function statusOf({ triggers, rules }: Model, rule: string): Status {
  return triggers.get(rules.get(rule)?.trigger ?? '')?.get(rule)?.status ?? 'inactive'
}

describe('7.6-7.8: rules and triggers', () => {
  let server: ApiServer
  let users = 0
  before(async () => {
    server = await startApiServer()
  })
  after(() => server.close())

  /** A namespace with actions a and b, and how to make requests in it. */
  async function namespace(): Promise<(method: string, path: string, body?: unknown) => Promise<Response>> {
    const key = await server.administration.createUser({ subject: `model-${users++}` })
    const send = (method: string, path: string, body?: unknown): Promise<Response> =>
      exchange(server.port, { method, path: `/api/v1/namespaces/_/${path}`, body }, basic(key))
    const exec = { kind: 'nodejs:20', code: '' }
    for (const name of ['a', 'b']) assert.equal((await send('PUT', `actions/${name}`, { exec })).status, 200)
    return send
  }

  function request(send: Awaited<ReturnType<typeof namespace>>, step: Step): Promise<Response> {
    switch (step.type) {
      case 'putTrigger':
        return send('PUT', `triggers/${step.trigger}?overwrite=true`, {})
      case 'deleteTrigger':
        return send('DELETE', `triggers/${step.trigger}`)
      case 'putRule':
        return send('PUT', `rules/${step.rule}?overwrite=true`, {
          ...(step.trigger !== undefined && { trigger: `/_/${step.trigger}` }),
          ...(step.action !== undefined && { action: `/_/${step.action}` }),
        })
      case 'deleteRule':
        return send('DELETE', `rules/${step.rule}`)
      case 'status':
        return send('POST', `rules/${step.rule}`, { status: step.status })
    }
  }

  test('agree with a model after any sequence of changes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (steps) => {
        const send = await namespace()
        const model: Model = { triggers: new Map(), rules: new Map() }
        for (const step of steps) {
          const expected = apply(model, step)
          const answer = await request(send, step)
          assert.equal(answer.status, expected, `${JSON.stringify(step)}: ${answer.text}`)
        }
        for (const name of model.rules.keys()) {
          const { json } = await send('GET', `rules/${name}`)
          assert.ok(isJsonObject(json) && isJsonObject(json['trigger']) && isJsonObject(json['action']))
          const { trigger, action } = json
          assert.deepEqual({ trigger: trigger['name'], action: action['name'] }, model.rules.get(name))
          assert.equal(json['status'], statusOf(model, name))
        }
        for (const [name, links] of model.triggers) {
          assert.deepEqual(await linksOf(send, name), Object.fromEntries(links))
        }
      }),
      { numRuns: 40 },
    )
  })

  async function linksOf(
    send: Awaited<ReturnType<typeof namespace>>,
    trigger: string,
  ): Promise<Readonly<Record<string, Link>> | undefined> {
    const { status, json } = await send('GET', `triggers/${trigger}`)
    if (status === 404) return undefined
    assert.ok(isJsonObject(json))
    const rules = isJsonObject(json['rules']) ? json['rules'] : {}
    const links = Object.entries(rules).map(([path, link]): [string, Link] => {
      assert.ok(isJsonObject(link) && isJsonObject(link['action']) && typeof link['action']['name'] === 'string')
      assert.ok(link['status'] === 'active' || link['status'] === 'inactive')
      return [path.split('/')[1] ?? '', { action: link['action']['name'], status: link['status'] }]
    })
    return Object.fromEntries(links)
  }

  test('7.8: rules of one trigger that are made, switched and removed at once are all linked, or gone', async () => {
    const send = await namespace()
    await send('PUT', 'triggers/t', {})
    const names = Array.from({ length: 20 }, (_, index) => `r${index}`)
    const made = await Promise.all(
      names.map((name) => send('PUT', `rules/${name}`, { trigger: '/_/t', action: '/_/a' })),
    )
    assert.deepEqual(new Set(made.map(({ status }) => status)), new Set([200]))
    assert.equal(Object.keys((await linksOf(send, 't')) ?? {}).length, 20)
    await Promise.all(
      names.map((name, index) =>
        index % 2 === 0 ? send('POST', `rules/${name}`, { status: 'inactive' }) : send('DELETE', `rules/${name}`),
      ),
    )
    const left = Object.entries((await linksOf(send, 't')) ?? {})
    assert.equal(left.length, 10)
    assert.ok(left.every(([, { status }]) => status === 'inactive'))
  })

  test('1.9, 7.8: whatever is changed at once, each link is what its rule says, and refusals are conflicts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(operation, { minLength: 2, maxLength: 6 }), { maxLength: 4 }),
        async (rounds) => {
          const send = await namespace()
          await send('PUT', 'triggers/t', {})
          await send('PUT', 'triggers/u', {})
          await send('PUT', 'rules/r', { trigger: '/_/t', action: '/_/a' })
          for (const round of rounds) {
            const answers = await Promise.all(round.map((step) => request(send, step)))
            for (const { status, text } of answers) assert.ok([200, 400, 404, 409].includes(status), text)
          }
          for (const trigger of ['t', 'u']) {
            for (const [name, { action }] of Object.entries((await linksOf(send, trigger)) ?? {})) {
              const { status, json } = await send('GET', `rules/${name}`)
              assert.equal(status, 200, `${trigger} links ${name}, which is gone`)
              assert.partialDeepStrictEqual(json, { trigger: { name: trigger }, action: { name: action } })
            }
          }
          assert.deepEqual(server.faults, [])
        },
      ),
      { numRuns: 60 },
    )
  })
})
