import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { registryAuth } from './registry-auth.ts'

const directory = mkdtempSync(join(tmpdir(), 'stave-auth-'))
after(() => rmSync(directory, { recursive: true }))

function file(content: unknown): string {
  const path = join(directory, 'config.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

async function credentials(path: string, image: string): Promise<unknown> {
  const header = await registryAuth(path, image)
  return header === undefined ? undefined : JSON.parse(Buffer.from(header, 'base64url').toString())
}

const basic = (user: string, password: string): string => Buffer.from(`${user}:${password}`).toString('base64')

test('each image gets the credentials of its registry, and no others', async () => {
  const path = file({
    auths: {
      'https://index.docker.io/v1/': { auth: basic('hub', 'a:b') },
      'registry.example.org:5000': { username: 'team', password: 'secret' },
      'https://token.example.org': { identitytoken: 'T' },
    },
  })
  const rows = [
    ['team/app:1', { serveraddress: 'https://index.docker.io/v1/', username: 'hub', password: 'a:b' }],
    ['app', { serveraddress: 'https://index.docker.io/v1/', username: 'hub', password: 'a:b' }],
    ['docker.io/team/app', { serveraddress: 'https://index.docker.io/v1/', username: 'hub', password: 'a:b' }],
    [
      'registry.example.org:5000/app',
      { serveraddress: 'registry.example.org:5000', username: 'team', password: 'secret' },
    ],
    [
      'token.example.org/app',
      { serveraddress: 'https://token.example.org', username: '', password: '', identitytoken: 'T' },
    ],
    ['registry.example.org/app', undefined],
    ['localhost/app', undefined],
  ] as const
  for (const [image, wanted] of rows) assert.deepEqual(await credentials(path, image), wanted, image)
})

test('without a file there are none', async () => {
  assert.equal(await registryAuth('', 'team/app'), undefined)
})

test('a file that is missing or wrong is named, and nothing of it is told', async () => {
  await assert.rejects(registryAuth(join(directory, 'none'), 'app'), /none cannot be read: ENOENT \(docker\.authFile\)/)
  for (const content of ['{"auths": {"x": "s3cret"}}', 's3cret']) {
    await assert.rejects(registryAuth(file(content), 'app'), (error) => {
      assert.ok(error instanceof Error)
      assert.match(error.message, /not in the format/)
      assert.ok(!error.message.includes('s3cret'))
      return true
    })
  }
})
