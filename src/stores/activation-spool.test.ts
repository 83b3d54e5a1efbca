import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { activationRow } from '../../test/conformance/activation-store.ts'
import { mountSmallDisk } from '../../test/conformance/small-disk.ts'
import { lineOf } from './activation-lines.ts'
import { ActivationSpool } from './activation-spool.ts'
import type { ActivationRow } from './activation-store.ts'
import { StoreUnavailable } from './artifact-store.ts'

const directories: string[] = []
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'stave-spool-'))
  directories.push(directory)
  return directory
}

async function opened(directory: string, maxBytes = 1_000_000, segmentBytes = 10_000): Promise<ActivationSpool> {
  const spool = new ActivationSpool({ directory, maxBytes, segmentBytes })
  await spool.open()
  return spool
}

function rowsOf(count: number): ActivationRow[] {
  return Array.from({ length: count }, (_, index) => activationRow('ns', 'a', index, 'line\nfeed \u2028'))
}

function linesOf(rows: readonly ActivationRow[]): string {
  return rows.map((row) => lineOf(row)).join('')
}

async function drain(spool: ActivationSpool): Promise<ActivationRow[]> {
  const rows: ActivationRow[] = []
  for (let segment = await spool.oldest(); segment !== undefined; segment = await spool.oldest()) {
    rows.push(...segment.rows)
    await segment.remove()
  }
  return rows
}

describe('ActivationSpool', () => {
  it('S4-76: gives rows back in their order, over several files, and leaves no file behind', async () => {
    const directory = newDirectory()
    const spool = await opened(directory)
    const rows = rowsOf(100)
    for (const row of rows) await spool.append(linesOf([row]))
    assert.ok(readdirSync(directory).length > 3)
    assert.deepEqual(await drain(spool), rows)
    assert.equal(spool.bytes, 0)
    assert.deepEqual(readdirSync(directory), [])
    await spool.close()
  })

  it('finds what an earlier process left, and appends behind it', async () => {
    const directory = newDirectory()
    const [one, two] = [rowsOf(30), rowsOf(30)]
    const first = await opened(directory)
    await first.append(linesOf(one))
    await first.close()
    const second = await opened(directory)
    assert.equal(
      second.bytes,
      readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0),
    )
    await second.append(linesOf(two))
    assert.deepEqual(await drain(second), [...one, ...two])
  })

  it('skips the torn last line of a writer that was killed', async () => {
    const directory = newDirectory()
    const rows = rowsOf(3)
    const first = await opened(directory)
    await first.append(linesOf(rows))
    await first.close()
    const [name = ''] = readdirSync(directory)
    appendFileSync(join(directory, name), '["0123","ns","a",1,0,"{\\"half')
    writeFileSync(join(directory, 'activations-spool-00000009.ndjson'), '[1,2]\n{}\n')
    const second = await opened(directory)
    assert.deepEqual(await drain(second), rows)
    assert.equal(second.unreadable, 3)
  })

  it('holds no more than its bound', async () => {
    const spool = await opened(newDirectory(), 5000)
    await assert.rejects(spool.append(linesOf(rowsOf(100))), StoreUnavailable)
    const rows = rowsOf(2)
    await spool.append(linesOf(rows))
    assert.deepEqual(await drain(spool), rows)
  })

  it('puts rejected rows aside in a file that only the owner reads', async () => {
    const directory = newDirectory()
    const spool = await opened(directory)
    const [row] = rowsOf(1)
    assert.ok(row !== undefined)
    await spool.reject(row)
    const file = join(directory, 'activations-rejected.ndjson')
    assert.equal((JSON.parse(readFileSync(file, 'utf8')) as string[])[0], row.activationId)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal(await spool.oldest(), undefined)
  })

  const mountPoint = newDirectory()
  const disk = mountSmallDisk(mountPoint, 1)
  after(() => disk?.unmount())
  it('keeps its lines whole over a full disk', { skip: disk === undefined && 'may not mount' }, async () => {
    assert.ok(disk !== undefined)
    const spool = await opened(disk.directory, 1e9, 1e9)
    const [one, two] = [rowsOf(5), rowsOf(5)]
    await spool.append(linesOf(one))
    disk.fill()
    await assert.rejects(spool.append(linesOf(rowsOf(200))), StoreUnavailable)
    disk.free()
    await spool.append(linesOf(two))
    assert.deepEqual(await drain(spool), [...one, ...two])
    assert.equal(spool.unreadable, 0)
  })
})
