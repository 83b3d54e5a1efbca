/** Arguments of `docker run` about files of the host and volumes. */

import { bool, bytes, csv } from './argument-values.ts'
import type { CreateBody, Mount } from './create-body.ts'

/** `SOURCE:TARGET[:OPTIONS]` binds a path or a named volume; a path alone is an anonymous volume. */
export function readVolumes(values: readonly string[]): CreateBody {
  const binds: string[] = []
  const volumes: Record<string, object> = {}
  for (const value of values) {
    const parts = value.split(':')
    const [source = '', target] = parts
    if (parts.length === 1 && source.startsWith('/')) volumes[source] = {}
    else if ((parts.length === 2 || parts.length === 3) && source !== '' && target?.startsWith('/') === true) {
      if (/^[.~]/.test(source))
        throw new Error(
          `${JSON.stringify(value)} has a relative source: give an absolute path, or the name of a volume`,
        )
      binds.push(value)
    } else throw new Error(`${JSON.stringify(value)} is not of the form /source:/target:ro`)
  }
  return {
    ...(binds.length > 0 && { HostConfig: { Binds: binds } }),
    ...(Object.keys(volumes).length > 0 && { Volumes: volumes }),
  }
}

const TYPES = ['bind', 'volume', 'tmpfs', 'npipe', 'cluster', 'image']

/** `type=bind,source=/a,target=/b,readonly`. */
export function readMount(value: string): Mount {
  const found = new Map<string, string>()
  const labels: Record<string, string> = {}
  for (const field of csv(value)) {
    const equals = field.indexOf('=')
    const given = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase()
    const text = equals < 0 ? 'true' : field.slice(equals + 1)
    const key = NAMES.get(given)
    if (key === undefined) throw new Error(`${JSON.stringify(value)} has the unknown part ${given}`)
    if (key !== 'volume-label') found.set(key, text)
    else {
      const at = text.indexOf('=')
      labels[at < 0 ? text : text.slice(0, at)] = at < 0 ? '' : text.slice(at + 1)
    }
  }
  const type = found.get('type') ?? 'volume'
  const target = found.get('target')
  const source = found.get('source')
  if (!TYPES.includes(type))
    throw new Error(`${JSON.stringify(value)} has the unknown type ${type}; there are ${TYPES.join(', ')}`)
  if (target?.startsWith('/') !== true) throw new Error(`${JSON.stringify(value)} needs a target with an absolute path`)
  if (type === 'bind' && source?.startsWith('/') !== true)
    throw new Error(`${JSON.stringify(value)} needs a source with an absolute path`)
  if (type === 'tmpfs' && source !== undefined)
    throw new Error(`${JSON.stringify(value)} has a source, which a tmpfs has not`)
  for (const key of found.keys()) {
    const [, owner] = /^(bind|volume|tmpfs)-/.exec(key) ?? []
    if (owner !== undefined && owner !== type)
      throw new Error(`${JSON.stringify(value)} has ${key}, which is not of type ${type}`)
  }
  const readOnly = found.get('readonly')
  const consistency = found.get('consistency')
  return {
    Type: type,
    Target: target,
    ...(source !== undefined && { Source: source }),
    ...(readOnly !== undefined && { ReadOnly: bool(readOnly) }),
    ...(consistency !== undefined && { Consistency: consistency }),
    ...optionsOf(found, labels),
  }
}

/** Spellings that `--mount` takes. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ...[
    'type',
    'source',
    'target',
    'readonly',
    'consistency',
    'bind-propagation',
    'bind-nonrecursive',
    'volume-nocopy',
    'volume-label',
    'tmpfs-size',
    'tmpfs-mode',
  ].map((name): [string, string] => [name, name]),
  ['src', 'source'],
  ['dst', 'target'],
  ['destination', 'target'],
  ['ro', 'readonly'],
])

function optionsOf(
  found: ReadonlyMap<string, string>,
  labels: Readonly<Record<string, string>>,
): Pick<Mount, 'BindOptions' | 'VolumeOptions' | 'TmpfsOptions'> {
  const [propagation, nonRecursive] = [found.get('bind-propagation'), found.get('bind-nonrecursive')]
  const noCopy = found.get('volume-nocopy')
  const [size, mode] = [found.get('tmpfs-size'), found.get('tmpfs-mode')]
  const hasLabels = Object.keys(labels).length > 0
  if (mode !== undefined && !/^[0-7]{3,5}$/.test(mode))
    throw new Error(`tmpfs-mode ${mode} is no octal number such as 1777`)
  return {
    ...((propagation !== undefined || nonRecursive !== undefined) && {
      BindOptions: {
        ...(propagation !== undefined && { Propagation: propagation }),
        ...(nonRecursive !== undefined && { NonRecursive: bool(nonRecursive) }),
      },
    }),
    ...((noCopy !== undefined || hasLabels) && {
      VolumeOptions: { ...(noCopy !== undefined && { NoCopy: bool(noCopy) }), ...(hasLabels && { Labels: labels }) },
    }),
    ...((size !== undefined || mode !== undefined) && {
      TmpfsOptions: {
        ...(size !== undefined && { SizeBytes: bytes(size) }),
        ...(mode !== undefined && { Mode: Number.parseInt(mode, 8) }),
      },
    }),
  }
}
