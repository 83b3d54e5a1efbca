/** The admin API's routes of subjects, their keys and their documents. README.md lists them. */

import { booleanParameter, queryValue } from '../api/query.ts'
import { malformedContent } from '../model/errors.ts'
import type { NamespaceKey } from '../model/identity.ts'
import type { AdminCall, AdminRoutes } from './admin-route.ts'
import { flagField, textField } from './admin-route.ts'
import { subjectDocument } from './subject-documents.ts'
import type { SubjectKey, UserAdministration } from './user-administration.ts'

/** Routes below `/admin/`. */
export function userRoutes(users: UserAdministration): AdminRoutes {
  const block = async (call: AdminCall, blocked: boolean): Promise<unknown> => {
    const subject = call.param('subject')
    await users.setBlocked(subject, blocked)
    return { subject, blocked }
  }
  const rotate = async (call: AdminCall, namespace: string | undefined): Promise<unknown> => {
    const subject = call.param('subject')
    const keepUuid = flagField(await call.optionalBody(), 'keepUuid')
    return { subject, ...keyJson(await users.rotateKey(subject, namespace, { keepUuid })) }
  }
  return {
    users: {
      GET: async ({ query }) => (await users.listKeys(queryValue(query, 'namespace'))).map(subjectKeyJson),
      POST: (call) => createUser(call, users),
    },
    'users/{subject}': {
      GET: (call) => users.getUser(call.param('subject')),
      DELETE: async (call) => {
        await users.deleteUser(call.param('subject'), queryValue(call.query, 'namespace'))
        return { deleted: true }
      },
    },
    'users/{subject}/block': { POST: (call) => block(call, true) },
    'users/{subject}/unblock': { POST: (call) => block(call, false) },
    'users/{subject}/rotate': { POST: (call) => rotate(call, queryValue(call.query, 'namespace')) },
    'users/{subject}/namespaces/{namespace}': {
      GET: async (call) => {
        const subject = call.param('subject')
        return { subject, ...keyJson(await users.getKey(subject, call.param('namespace'))) }
      },
      PUT: async (call) => {
        const subject = call.param('subject')
        const authorization = textField(await call.optionalBody(), 'authorization')
        const { added, ...key } = await users.addNamespace(subject, call.param('namespace'), authorization)
        return { subject, ...keyJson(key), added }
      },
      DELETE: async (call) => {
        await users.deleteUser(call.param('subject'), call.param('namespace'))
        return { deleted: true }
      },
    },
    'users/{subject}/namespaces/{namespace}/rotate': { POST: (call) => rotate(call, call.param('namespace')) },
    whois: {
      POST: async (call) => {
        const found = await users.whoIs(textField(await call.body(), 'authorization') ?? '')
        call.note(found)
        return found
      },
    },
    subjects: {
      GET: async ({ query }) => {
        const found = await users.listSubjects(queryValue(query, 'namespace'))
        return found.map((subject) => subjectDocument(subject, booleanParameter(query, 'keys', false)))
      },
    },
    'subjects/{subject}': {
      GET: async ({ param, query }) =>
        subjectDocument(await users.getUser(param('subject')), booleanParameter(query, 'keys', false)),
      PUT: async (call) => subjectDocument(await users.putSubject(call.param('subject'), await call.body()), false),
    },
  }
}

async function createUser(call: AdminCall, users: UserAdministration): Promise<unknown> {
  const given = await call.body()
  const subject = textField(given, 'subject')
  if (subject === undefined) throw malformedContent("'subject' must be a string")
  const namespace = textField(given, 'namespace')
  call.note({ subject, namespace })
  const key = await users.createUser({
    subject,
    namespace,
    authorization: textField(given, 'authorization'),
    regenerate: flagField(given, 'regenerate'),
  })
  return { subject, ...keyJson(key) }
}

function subjectKeyJson({ subject, blocked, name, uuid, key }: SubjectKey): unknown {
  return { subject, blocked, namespace: name, uuid, key }
}

function keyJson({ name, uuid, key }: NamespaceKey): Record<string, string> {
  return { namespace: name, uuid, key }
}
