/** Archives as actions bring them: zip and gzipped tar, honest and hostile. What they unpack to stays in the action's directory and within bounds. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Answer, DrivenLauncher } from './drive-launcher.ts'
import { driveLauncher, source, zipped } from './drive-launcher.ts'
import { everyPython } from './every-python.ts'

const pythons = await everyPython()

const LIST =
  'import os\\ndef main(a):\\n  return {"files": sorted(os.path.join(d, f)[2:] for d, _, fs in os.walk(".") for f in fs if "__pycache__" not in d)}'

/** Base64 of what `script` writes into `out`, a BytesIO; with `zipfile`, `tarfile` and a `link(name, target)` for zips at hand. */
function made(interpreter: string, script: string): string {
  const { stdout, stderr, status } = spawnSync(
    interpreter,
    [
      '-I',
      '-c',
      `
import base64, io, stat, sys, tarfile, zipfile
out = io.BytesIO()
def link(zip, name, target):
  entry = zipfile.ZipInfo(name)
  entry.external_attr = (stat.S_IFLNK | 0o777) << 16
  zip.writestr(entry, target)
def add(tar, name, data=b'', **more):
  entry = tarfile.TarInfo(name)
  entry.size = len(data)
  for key, value in more.items(): setattr(entry, key, value)
  tar.addfile(entry, io.BytesIO(data))
LIST = "${LIST.replaceAll('"', '\\"')}"
${script}
print(base64.b64encode(out.getvalue()).decode())
`,
    ],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  )
  assert.equal(status, 0, stderr)
  return stdout.trim()
}

for (const { kind, launcher } of [pythons.at(0), pythons.at(-1)].flatMap((python) => python ?? [])) {
  describe(`${kind} archives`, () => {
    const started: DrivenLauncher[] = []
    after(() => Promise.all(started.map((driven) => driven.end())))
    const { interpreter } = launcher
    const init = async (script: string): Promise<{ readonly python: DrivenLauncher; readonly answer: Answer }> => {
      const python = await driveLauncher(interpreter)
      started.push(python)
      return { python, answer: await python.init(source(made(interpreter, script), { binary: true })) }
    }
    const refuses = async (script: string, reason: RegExp): Promise<void> => {
      const { answer } = await init(script)
      assert.ok(answer !== 'lost')
      assert.equal(answer.status, 502)
      assert.match(JSON.stringify(answer.body), /There was an error uncompressing the action archive: /)
      assert.match(JSON.stringify(answer.body), reason)
    }
    const files = async (script: string): Promise<unknown> => {
      const { python, answer } = await init(script)
      assert.deepEqual(answer, { status: 200, body: { ok: true, pipelined: true } })
      const run = await python.run({})
      return run === 'lost' ? run : run.body
    }

    test('gzipped tar: files, directories, links to files in it', async () => {
      assert.deepEqual(
        await files(
          "with tarfile.open(fileobj=out, mode='w:gz') as t:\n  add(t, './__main__.py', LIST.encode())\n  add(t, 'd', type=tarfile.DIRTYPE)\n  add(t, 'd/x', b'1', mode=0o755)\n  add(t, 'hard', type=tarfile.LNKTYPE, linkname='d/x')\n  add(t, 'soft', type=tarfile.SYMTYPE, linkname='d/x')",
        ),
        { files: ['d/x', 'hard', 'main__.py', 'soft'] },
      )
    })

    test('zip slip: absolute names and names that lead outside are refused, and nothing is written there', async () => {
      const outside = join(tmpdir(), `stave-slip-${process.pid}`)
      for (const name of ['../../../../../../../..', '']) {
        for (const separator of ['/', '\\\\']) {
          const path = `${name}${outside}`.replaceAll('/', separator)
          await refuses(
            `with zipfile.ZipFile(out, 'w') as z:\n  z.writestr('${path}', 'x')`,
            /leads out of the archive/,
          )
        }
        await refuses(
          `with tarfile.open(fileobj=out, mode='w:gz') as t:\n  add(t, '${name}${outside}', b'x')`,
          /leads out of the archive/,
        )
      }
      assert.ok(!existsSync(outside))
    })

    test('links that lead outside are left out and reported; nothing is written through a link', async () => {
      const { python, answer } = await init(
        "with zipfile.ZipFile(out, 'w') as z:\n  z.writestr('__main__.py', LIST)\n  link(z, 'etc', '/etc')\n  link(z, 'up', '../../..')\n  link(z, 'd/self', '..')\n  link(z, 'dir', 'up2')\n  z.writestr('dir/file', 'x')",
      )
      assert.deepEqual(answer, { status: 200, body: { ok: true, pipelined: true } })
      assert.match(python.printed().stderr, /archive: link etc to \/etc was left out/)
      assert.match(python.printed().stderr, /archive: link up to \.\.\/\.\.\/\.\. was left out/)
      const run = await python.run({})
      assert.deepEqual(run !== 'lost' && run.body, { files: ['dir/file', 'main__.py'] })
    })

    test('devices and pipes are refused', async () => {
      for (const type of ['FIFOTYPE', 'CHRTYPE']) {
        await refuses(
          `with tarfile.open(fileobj=out, mode='w:gz') as t:\n  add(t, 'x', type=tarfile.${type})`,
          /neither file, directory nor link/,
        )
      }
    })

    test('bombs: too many bytes, one by one or in all, too many entries, too long names', async () => {
      // 600 MB of zeros would take seconds to make: the directory says that they are there.
      const claim = (bytes: number): string =>
        `b = bytearray(out.getvalue()); at = b.rindex(b'PK\\x01\\x02') + 24; b[at:at+4] = (${bytes}).to_bytes(4, 'little'); out.seek(0); out.write(b)`
      const zip = "with zipfile.ZipFile(out, 'w') as z:\n  z.writestr('a', 'x' * 100)\n  z.writestr('b', 'x' * 100)"
      await refuses(`${zip}\n${claim(600 * 1024 * 1024)}`, /unpacks to more than 512 MB/)
      await refuses(`${zip}\n${claim(512 * 1024 * 1024 - 50)}`, /unpacks to more than 512 MB/)
      const tar =
        "import gzip\ne = tarfile.TarInfo('a')\ne.size = 600 << 20\nout.write(gzip.compress(e.tobuf() + bytes(10240)))"
      await refuses(tar, /unpacks to more than 512 MB/)
      const many =
        "with zipfile.ZipFile(out, 'w') as z:\n  for n in range(50001): z.writestr(zipfile.ZipInfo('d%d/' % n), '')"
      await refuses(many, /more than 50000 entries/)
      await refuses("with zipfile.ZipFile(out, 'w') as z:\n  z.writestr('x' * 2000, '')", /too long a name/)
    })

    test('what is no archive, or a broken one', async () => {
      await refuses("out.write(b'PK\\x03\\x04 and nothing more')", /not a zip file/i)
      await refuses("out.write(b'\\x1f\\x8b\\x08 no gzip')", /archive: ./)
      await refuses(
        "with zipfile.ZipFile(out, 'w') as z: z.writestr('__main__.py', 'x' * 100)\nb = bytearray(out.getvalue()); b[45] ^= 1; out.seek(0); out.write(b)",
        /Bad CRC|CRC/,
      )
      const python = await driveLauncher(interpreter)
      started.push(python)
      const answer = await python.init(source('A', { binary: true }))
      assert.match(JSON.stringify(answer), /"status":400.*cannot decode the request: /)
    })

    test('a file called exec is the main module where there is no other, as the images have it', async () => {
      assert.deepEqual(await files("with zipfile.ZipFile(out, 'w') as z: z.writestr('exec', LIST)"), {
        files: ['main__.py'],
      })
    })

    test('executable files stay executable', async () => {
      const python = await driveLauncher(interpreter)
      started.push(python)
      const archive = await zipped({
        '__main__.py': 'import subprocess\ndef main(a): return {"out": subprocess.check_output(["./tool"], text=True)}',
        tool: { content: '#!/bin/sh\necho hi', mode: 0o100755 },
      })
      await python.init(archive)
      assert.deepEqual(await python.run({}), { status: 200, body: { out: 'hi\n' } })
    })

    test('echo of any JSON', async () => {
      const python = await driveLauncher(interpreter)
      started.push(python)
      await python.init(source('def main(args): return args'))
      await fc.assert(
        fc.asyncProperty(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), async (value) => {
          const text = JSON.stringify(value)
          assert.deepEqual(await python.run(JSON.parse(text)), { status: 200, body: JSON.parse(text) })
        }),
        { numRuns: 100 },
      )
    })
  })
}
