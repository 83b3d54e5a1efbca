/**
 * The load generator, a process of its own: takes a LoadPlan on standard input, prints a LoadResult. Raw sockets and prepared bytes, because on two
 * cores an HTTP client would take more time than the server that it measures.
 */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { latencyHistogram } from './latency-histogram.ts'
import type { LoadPlan, LoadResult } from './load-plan.ts'
import { responseReader } from './response-reader.ts'

/** What is still under way this long after the end has hung. */
const LAST_ANSWERS_MS = 60_000

const plan = JSON.parse(await text(process.stdin)) as LoadPlan
process.stdout.write(`${JSON.stringify(await generate(plan, requestBytes(plan)))}\n`)
process.exit(0)

function requestBytes({ host, port, paths, headers, body }: LoadPlan): readonly Buffer[] {
  const lines = Object.entries({ Host: `${host}:${port}`, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  const rest = `${lines.join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  return paths.map((path) => Buffer.from(`POST ${path} HTTP/1.1\r\n${rest}`))
}

async function generate(on: LoadPlan, requests: readonly Buffer[]): Promise<LoadResult> {
  const histogram = latencyHistogram()
  const failures = new Map<string, number>()
  const perSecond: number[] = []
  const done = Promise.withResolvers<void>()
  let sent = 0
  let underWay = 0
  let began = 0
  let ended = Infinity
  let lastAnswerAt = 0

  const fail = (what: string): void => void failures.set(what, (failures.get(what) ?? 0) + 1)
  const sockets = await Promise.all(Array.from({ length: on.connections }, () => open(on)))
  const start = performance.now()
  began = start + on.warmMs
  ended = began + on.durationMs
  // One connection after the other, so that what is paced comes one by one.
  const pauseMs = on.perSecond === undefined ? 0 : (on.connections * 1000) / on.perSecond
  for (const [index, socket] of sockets.entries()) drive(socket, start + (index * pauseMs) / on.connections)
  // A generator must end whatever the server does.
  const watchdog = setTimeout(
    () => {
      fail('no answer')
      done.resolve()
    },
    on.warmMs + on.durationMs + LAST_ANSWERS_MS,
  )
  await done.promise
  clearTimeout(watchdog)
  for (const socket of sockets) socket.destroy()

  const seconds = (Math.min(ended, lastAnswerAt) - began) / 1000
  return {
    seconds,
    requests: histogram.count,
    requestsPerSecond: histogram.count / seconds,
    p50: histogram.percentile(0.5),
    p95: histogram.percentile(0.95),
    p99: histogram.percentile(0.99),
    max: histogram.maxMs,
    failures: Object.fromEntries(failures),
    perSecond: perSecond.slice(0, Math.max(1, Math.floor(seconds))),
  }

  function drive(socket: Socket, firstAt: number): void {
    let sentAt = 0
    let dueAt = firstAt
    /** `lateSince`: when it should have left, had the answer to the last one been there. */
    const send = (lateSince: number | undefined): void => {
      const now = performance.now()
      if (now >= ended || sent === on.calls) {
        if (underWay === 0) done.resolve()
        return
      }
      const request = requests[sent++ % requests.length]
      if (request === undefined) throw new Error('no paths')
      underWay++
      sentAt = lateSince ?? now
      dueAt += pauseMs
      socket.write(request)
    }
    const next = (): void => {
      if (pauseMs === 0) return send(undefined)
      const early = dueAt - performance.now()
      // A slow answer must not hide that others would have waited behind it; that a timer was late is not the server's doing.
      if (early <= 0) return send(dueAt)
      setTimeout(() => send(undefined), early)
    }
    const answered = (status: number): void => {
      const now = performance.now()
      underWay--
      lastAnswerAt = now
      if (status < 200 || status > 299 || status === 202) fail(String(status))
      if (now >= began && now < ended) {
        histogram.record(now - sentAt)
        const second = Math.floor((now - began) / 1000)
        perSecond[second] = (perSecond[second] ?? 0) + 1
      }
      next()
    }
    socket.on('data', responseReader(answered))
    socket.on('error', (error) => fail(error.message))
    socket.on('close', () => {
      fail('connection closed')
      done.resolve()
    })
    next()
  }
}

function open({ host, port }: LoadPlan): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => {
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}
