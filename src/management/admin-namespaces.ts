/** The admin API's routes of namespaces and their limits. README.md lists them. */

import { booleanParameter, listRange, queryValue } from '../api/query.ts'
import type { AdminRoutes } from './admin-route.ts'
import type { NamespaceAdministration } from './namespace-administration.ts'
import { limitsDocumentOf } from './subject-documents.ts'
import type { UserAdministration } from './user-administration.ts'

const PAGE = { std: 100, max: 1000 }

/** Routes below `/admin/`. */
export function namespaceRoutes(users: UserAdministration, namespaces: NamespaceAdministration): AdminRoutes {
  const entities = (namespace: string | undefined, query: string): ReturnType<typeof namespaces.listEntities> => {
    const { limit } = listRange(query, 'entities', PAGE.std, PAGE.max)
    return namespaces.listEntities(namespace, queryValue(query, 'after'), limit)
  }
  return {
    namespaces: { GET: () => namespaces.listNamespaces() },
    'namespaces/{namespace}': {
      GET: ({ param }) => namespaces.getNamespace(param('namespace')),
      DELETE: async (call) => {
        const gone = await namespaces.deleteNamespace(
          call.param('namespace'),
          booleanParameter(call.query, 'force', false),
        )
        call.note(gone)
        return { deleted: true, ...gone }
      },
    },
    'namespaces/{namespace}/entities': {
      GET: ({ param, query }) => entities(param('namespace'), query),
    },
    entities: { GET: ({ query }) => entities(undefined, query) },
    limits: {
      GET: async () => (await users.listLimits()).map(({ namespace, limits }) => limitsDocumentOf(namespace, limits)),
    },
    'limits/{namespace}': {
      GET: ({ param }) => users.getLimits(param('namespace')),
      PATCH: async (call) => {
        const change = await call.body()
        call.note({ change })
        return users.setLimits(call.param('namespace'), change)
      },
      PUT: async (call) => {
        const limits = await call.body()
        call.note({ limits })
        return users.replaceLimits(call.param('namespace'), limits)
      },
      DELETE: async (call) => {
        await users.deleteLimits(call.param('namespace'))
        return { deleted: true }
      },
    },
  }
}
