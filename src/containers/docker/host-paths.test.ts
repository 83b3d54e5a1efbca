import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadConfig } from '../../config/load.ts'
import { HOST_PROFILES } from '../../config/sections/docker.ts'
import type { HostFiles, ResolvedPaths } from './host-paths.ts'
import { PROFILES, detectProfile, resolvePaths } from './host-paths.ts'

/** A host with these files; those without text only exist. */
function host(files: Readonly<Record<string, string>>): HostFiles {
  return { read: (path) => files[path], has: (path) => path in files }
}

async function resolve(env: Readonly<Record<string, string>>, on: HostFiles): Promise<ResolvedPaths> {
  const readFile = (): string => assert.fail('nothing names a file')
  const { config } = await loadConfig({ env, flags: {}, homedir: '/home/ada', cwd: '/srv', readFile })
  return resolvePaths(config.docker, on)
}

describe('S0-29: the kind of host', () => {
  const HOSTS: readonly [string, string, readonly string[]][] = [
    ['ubuntu', 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', ['/usr/bin/dockerd']],
    ['ubuntu', 'ID=linuxmint\nID_LIKE="ubuntu debian"\n', []],
    ['ubuntu-snap', 'ID=ubuntu\n', ['/snap/docker/current']],
    ['ubuntu', 'ID=ubuntu\n', ['/snap/docker/current', '/usr/bin/dockerd']],
    ['debian', 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n', []],
    ['cos', 'NAME="Container-Optimized OS"\nID=cos\n', []],
    ['flatcar', 'ID=flatcar\nID_LIKE=coreos\n', []],
    ['flatcar', 'ID="coreos"\n', []],
    ['bottlerocket', 'ID=bottlerocket\n', []],
    ['al2023', 'NAME="Amazon Linux"\nVERSION="2023"\nID="amzn"\nID_LIKE="fedora"\n', []],
    ['kind', 'ID=debian\n', ['/kind/product_name']],
    // Hosts that nobody has told us about have things where Docker's own packages put them.
    ['debian', 'ID=fedora\n', []],
    ['debian', '', []],
  ]
  for (const [profile, osRelease, files] of HOSTS) {
    test(`${profile}: ${osRelease.replaceAll('\n', ' ')}${files.join(' ')}`, () => {
      assert.equal(
        detectProfile(osRelease, (path) => files.includes(path)),
        profile,
      )
    })
  }

  test('every profile has all places, absolute, and none below /usr/lib (S1-12)', () => {
    assert.deepEqual(['auto', ...Object.keys(PROFILES)].toSorted(), [...HOST_PROFILES].toSorted())
    for (const { runcBinaries, ...paths } of Object.values(PROFILES)) {
      const all = [...runcBinaries, ...Object.values(paths)]
      assert.ok(runcBinaries.length > 0)
      assert.deepEqual(
        all.filter((path) => !path.startsWith('/') || path.startsWith('/usr/lib')),
        [],
      )
    }
  })

  const PLACES: readonly [string, string, string][] = [
    ['ubuntu', '/run/docker/runtime-runc/moby', '/usr/bin/runc'],
    ['ubuntu-snap', '/run/snap.docker/runtime-runc/moby', '/snap/docker/current/bin/runc'],
    ['debian', '/run/docker/runtime-runc/moby', '/usr/bin/runc'],
    ['cos', '/run/docker/runtime-runc/moby', '/usr/bin/runc'],
    ['flatcar', '/run/docker/runtime-runc/moby', '/usr/bin/runc'],
    ['bottlerocket', '/run/docker/runtime-runc/moby', '/usr/bin/runc'],
    ['al2023', '/run/docker/runtime-runc/moby', '/usr/sbin/runc'],
    ['kind', '/run/docker/runtime-runc/moby', '/usr/local/sbin/runc'],
  ]
  for (const [profile, runc, runcBinary] of PLACES) {
    test(`${profile} has them in its places when it is named, whatever the host looks like`, async () => {
      const everywhere = host(
        Object.fromEntries(
          Object.values(PROFILES).flatMap(({ runcBinaries }) => runcBinaries.map((path) => [path, ''])),
        ),
      )
      const found = await resolve({ STAVE_DOCKER_HOST_PROFILE: profile }, everywhere)
      assert.deepEqual([found.profile, found.runc, found.runcBinary], [profile, runc, runcBinary])
    })
  }
})

describe('S0-30: the four paths', () => {
  const here = host({ '/etc/os-release': 'ID=debian\n', '/usr/sbin/runc': '' })

  test('without configuration', async () => {
    assert.deepEqual(await resolve({}, here), {
      profile: 'debian',
      cgroup: '/sys/fs/cgroup',
      runc: '/run/docker/runtime-runc/moby',
      containers: '/var/lib/docker/containers',
      socket: '/var/run/docker.sock',
      runcBinary: '/usr/sbin/runc',
    })
  })

  const OVERRIDES: readonly [string, keyof ResolvedPaths][] = [
    ['STAVE_DOCKER_PATHS_CGROUP', 'cgroup'],
    ['STAVE_DOCKER_PATHS_RUNC', 'runc'],
    ['STAVE_DOCKER_PATHS_CONTAINERS', 'containers'],
    ['STAVE_DOCKER_PATHS_SOCKET', 'socket'],
    ['STAVE_DOCKER_PATHS_RUNC_BINARY', 'runcBinary'],
  ]
  for (const [variable, key] of OVERRIDES) {
    test(`${variable} changes that one and no other`, async () => {
      assert.deepEqual(await resolve({ [variable]: '/elsewhere' }, here), {
        ...(await resolve({}, here)),
        [key]: '/elsewhere',
      })
    })
  }

  test('an engine that is reached over TCP has no socket, and a host may have no runc', async () => {
    const found = await resolve({ STAVE_DOCKER_HOST: 'tcp://10.0.0.1:2376' }, host({}))
    assert.deepEqual([found.socket, found.runcBinary], [undefined, undefined])
  })
})
