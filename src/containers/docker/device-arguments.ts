/** Arguments of `docker run` about devices. */

import { csv, integerFrom, pairs } from './argument-values.ts'
import type { Device, DeviceRate, DeviceRequest, HostConfigBody } from './create-body.ts'

const PERMISSIONS = /^[rwm]{1,3}$/
/** Names of the Container Device Interface: `vendor.example.org/class=name`. */
const CDI = /^[a-z0-9][a-z0-9.-]*\.[a-z]+\/[A-Za-z0-9_.-]+=[A-Za-z0-9_.:-]+$/

/** `/dev/host[:/dev/container][:rwm]`, or the names of the Container Device Interface. */
export function readDevices(values: readonly string[]): HostConfigBody {
  const names = values.filter((value) => CDI.test(value))
  const devices = values.filter((value) => !CDI.test(value)).map(readDevice)
  const request = { Driver: 'cdi', Count: 0, DeviceIDs: names, Capabilities: [], Options: {} }
  return {
    ...(devices.length > 0 && { Devices: devices }),
    ...(names.length > 0 && { DeviceRequests: [request] }),
  }
}

function readDevice(value: string): Device {
  const [onHost = '', second, third, ...rest] = value.split(':')
  const short = third === undefined && second !== undefined && PERMISSIONS.test(second)
  const permissions = (short ? second : third) ?? 'rwm'
  const inside = short ? onHost : (second ?? onHost)
  if (rest.length > 0 || !onHost.startsWith('/') || !inside.startsWith('/') || !PERMISSIONS.test(permissions))
    throw new Error(`${JSON.stringify(value)} is not of the form /dev/host:/dev/container:rwm`)
  return { PathOnHost: onHost, PathInContainer: inside, CgroupPermissions: permissions }
}

/** `all`, `2`, `"device=0,1"`, `count=2,capabilities=utility,driver=nvidia,options=a=b`. */
export function readGpus(value: string): DeviceRequest {
  let count: number | undefined
  let driver = ''
  let devices: readonly string[] = []
  let capabilities: readonly string[] = []
  let options: Readonly<Record<string, string>> = {}
  for (const field of csv(value)) {
    const equals = field.indexOf('=')
    const [key, text] = equals < 0 ? ['count', field] : [field.slice(0, equals), field.slice(equals + 1)]
    if (key === 'count') count = text === 'all' ? -1 : integerFrom(0)(text)
    else if (key === 'device') devices = text.split(',')
    else if (key === 'driver') driver = text
    else if (key === 'capabilities') capabilities = text.split(',')
    else if (key === 'options') options = pairs(csv(text))
    else
      throw new Error(
        `${JSON.stringify(value)} has the unknown part ${key}; there are count, device, driver, capabilities, options`,
      )
  }
  if (count !== undefined && devices.length > 0)
    throw new Error(`${JSON.stringify(value)} has both a count and devices`)
  return {
    Driver: driver,
    Count: devices.length > 0 ? 0 : (count ?? 1),
    DeviceIDs: devices,
    Capabilities: [['gpu', ...capabilities.filter((name) => name !== 'gpu')]],
    Options: options,
  }
}

/** `/dev/sda:1mb` and the like. */
export function readDeviceRates(values: readonly string[], rate: (text: string) => number): readonly DeviceRate[] {
  return values.map((value) => {
    const [path, text] = splitDevice(value)
    return { Path: path, Rate: rate(text) }
  })
}

/** `/dev/sda:500`. */
export function readDeviceWeights(
  values: readonly string[],
): readonly { readonly Path: string; readonly Weight: number }[] {
  return values.map((value) => {
    const [path, text] = splitDevice(value)
    return { Path: path, Weight: integerFrom(10, 1000)(text) }
  })
}

function splitDevice(value: string): readonly [string, string] {
  const [path = '', text = '', ...rest] = value.split(':')
  if (!path.startsWith('/dev/') || text === '' || rest.length > 0)
    throw new Error(`${JSON.stringify(value)} is not of the form /dev/sda:VALUE`)
  return [path, text]
}
