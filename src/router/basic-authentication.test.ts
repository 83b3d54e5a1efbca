import { describeAuthenticationProvider, freshKey } from '../../test/conformance/authentication-provider.ts'
import { memoryAuthentication } from '../../test/conformance/memory-authentication.ts'
import { storesFixture } from '../../test/conformance/sqlite-stores.ts'
import { apiKey } from '../model/identity.ts'
import { basicAuthentication } from './basic-authentication.ts'

const stores = storesFixture()
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
const { uuid, key } = freshKey('nobody')

describeAuthenticationProvider('basic, over SQLite', async () => {
  const { artifacts } = await stores.open({ openNow: ['artifacts'] })
  return {
    provider: basicAuthentication(artifacts),
    async put(subject) {
      await artifacts.putSubject(subject, (await artifacts.getSubject(subject.subject))?.revision)
    },
    async remove(subject) {
      const stored = await artifacts.getSubject(subject)
      if (stored !== undefined) await artifacts.deleteSubject(subject, stored.revision)
    },
    limit: (namespace, limits) => artifacts.putLimits(namespace, limits),
    header: (held) => basic(apiKey(held)),
    invalid: [
      'Basic',
      'Basic ',
      'basic %%%',
      `Basic ${'A'.repeat(10_000)}`,
      basic(':'),
      basic(uuid),
      basic(`${uuid}:`),
      basic(`${uuid}:${key}`),
      basic(`${uuid}:${key}x`),
      basic(`nobody:${key}`),
    ],
  }
})

describeAuthenticationProvider('tokens, in memory', async () => memoryAuthentication())
