/** What a container with an isolated network reaches, told on the fake host of fake-host.sh: `node isolated-network.ts LEVEL`. Ends with status 0 when all is as it should be. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:net'
import { createServer } from 'node:net'
import { SANDBOX_LEVELS } from '../../src/containers/process/settings.ts'
import { inside, openTestHost, run, startAction } from './sandbox-kit.ts'

const API = 9300

const CONNECT = `
const connect = (host, port) => new Promise((resolve) => {
  const socket = require('net').connect({ host, port, timeout: 800 });
  let said = '';
  socket.on('data', (chunk) => { said += chunk }).on('end', () => resolve('answered ' + said)).on('error', (error) => resolve(error.code)).on('timeout', () => { socket.destroy(); resolve('timeout') });
});`

const level = SANDBOX_LEVELS.find((name) => name === process.argv[2]) ?? 'unshare'
const host = await openTestHost({ sandbox: level, network: 'isolated', apiHost: `http://localhost:${API}` })
const address = host.factory.apiAddress()
const servers = [
  await serve(API, address ?? '127.0.0.1', 'the API'),
  await serve(9001, '0.0.0.0', 'a service of the host'),
  await serve(9002, '127.0.0.1', 'a private service of the host'),
]
try {
  const seen = await inside(
    host.factory,
    `${CONNECT}
    const [, api, port] = /^http:\\/\\/(.*):(\\d+)$/.exec(process.env.__OW_API_HOST);
    const own = Object.values(require('os').networkInterfaces()).flat().filter(({ internal }) => !internal);
    const targets = { public: ['198.51.100.7', 8080], api: [api, port], ten: ['10.99.0.1', 8080], metadata: ['169.254.169.254', 8080], home: ['192.168.77.1', 8080], twelve: ['172.16.9.9', 8080],
      loopback: ['127.0.0.1', 9002], host: ['203.0.113.2', 9001], gateway: [${JSON.stringify(address ?? '10.255.255.253')}, 9001], apiLoopback: ['127.0.0.1', 9001] };
    const results = {};
    await Promise.all(Object.entries(targets).map(async ([name, [host, port]]) => { results[name] = await connect(host, Number(port)) }));
    return { ...results, own: own.map(({ address }) => address), resolv: fs.readFileSync('/etc/resolv.conf', 'utf8'), v6: own.filter(({ family }) => family === 'IPv6' ).length }`,
  )
  assert.equal(seen['public'], 'answered 203.0.113.2', 'the Internet, by the address of the host')
  assert.equal(seen['api'], 'answered the API')
  for (const name of ['ten', 'metadata', 'home', 'twelve', 'loopback', 'host', 'gateway', 'apiLoopback']) {
    assert.doesNotMatch(String(seen[name]), /answered/, name)
  }

  const { container: neighbour } = await startAction(
    host.factory,
    `let address; function main() { require('net').createServer((c) => c.end('hello')).listen(8081, '0.0.0.0'); return { address: Object.values(require('os').networkInterfaces()).flat().find(({ internal, family }) => !internal && family === 'IPv4').address } }`,
  )
  const other = String((await run(neighbour))['address'])
  const reached = await inside(
    host.factory,
    `${CONNECT} return { neighbour: await connect(${JSON.stringify(other)}, 8081) }`,
  )
  // By pasta both have the same address, and each sees itself behind it.
  assert.doesNotMatch(String(reached['neighbour']), /answered/)
  await neighbour.destroy()

  const changed = await inside(
    host.factory,
    `return { add: sh('ip route add 10.99.0.0/16 dev eth0 || ip route del prohibit 10.0.0.0/8').status, link: sh('ip link set lo down').status, raw: sh('ping -c 1 -W 1 198.51.100.7').status }`,
  )
  assert.notEqual(changed['add'], 0)
  assert.notEqual(changed['link'], 0)
} finally {
  for (const server of servers) server.close()
  await host.close()
}

async function serve(port: number, on: string, name: string): Promise<Server> {
  const server = createServer((connection) => {
    connection.on('error', () => undefined)
    connection.end(name)
  }).listen(port, on)
  await once(server, 'listening')
  return server
}
