/** What a docker factory is told in tests, as the configuration's defaults have it. */

import type { DockerFactorySettings } from '../src/containers/docker/settings.ts'

export const dockerSettings: DockerFactorySettings = {
  nodeName: '',
  namePrefix: 'wsk',
  instance: '0123456789abcdef',
  network: 'host',
  networkName: 'stave',
  dns: [],
  dnsSearch: [],
  dnsOptions: [],
  extraEnv: [],
  extra: {},
  images: {
    pullPolicy: 'openwhisk',
    runtimesRegistry: '',
    userImagesRegistry: '',
    authFile: '',
    localImagePrefix: '',
    highWaterPercent: 85,
    lowWaterPercent: 75,
  },
  readOnlyRoot: true,
  init: true,
  cpuLimit: 'shares',
  tmpMb: 64,
  openFiles: 1024,
  processes: 1024,
  memoryMb: 0,
  cpuMilli: 0,
  resources: {},
  maxAnswerBytes: 1024 * 1024,
  apiHost: 'http://127.0.0.1:3233',
  startTimeoutMs: 30_000,
  parallelStarts: 10,
}
