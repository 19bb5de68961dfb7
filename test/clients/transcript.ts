// Sessions of real clients as text: the commands of a session file are run, and what was said is written down with everything that differs from run to run taken out.

import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, systemClock, type Timer } from '../../src/base/clock.ts'
import { helmPath, type KubectlVersion } from '../../src/testing/kubectl.ts'
import { call, type Output, type ServedCluster } from './server.ts'

const SESSIONS = join(import.meta.dirname, 'sessions')
const GOLDEN = join(import.meta.dirname, 'golden')

interface Step {
  program: 'kubectl' | 'helm'
  args: readonly string[]
  /** What the transcript shows of it. */
  line: string
  /** Shown in the transcript; the others prepare, are called by the newest kubectl and must not fail. */
  shown: boolean
  /** Only with this kubectl. */
  only: KubectlVersion | undefined
}

/**
 * A line is `kubectl …` or `helm …`; before it may stand `1.35:` or `1.20:` (only with that kubectl) or `quiet:` (prepares, is not shown).
 * Words are parted by spaces; a part in single quotes is one word. `#` begins a remark.
 */
export function parseSession(text: string): Step[] {
  return text.split('\n').flatMap((line): Step[] => {
    if (line.trim() === '' || line.startsWith('#')) return []
    const match = /^(?:(1\.35|1\.20|quiet): )?(kubectl|helm) (.*)$/.exec(line)
    if (!match) throw new Error(`Cannot read the line ${JSON.stringify(line)} of a session`)
    const [, mark, program, args = ''] = match
    return [
      {
        program: program === 'helm' ? 'helm' : 'kubectl',
        args: wordsOf(args),
        line: `${program} ${args}`,
        shown: mark !== 'quiet',
        only: mark === '1.35' || mark === '1.20' ? mark : undefined,
      },
    ]
  })
}

export function wordsOf(line: string): string[] {
  return [...line.matchAll(/((?:'[^']*'|[^\s'])+)/g)].map((match) => (match[1] ?? '').replaceAll("'", ''))
}

export const goldenPath = (name: string, version: KubectlVersion): string => join(GOLDEN, `${name}.${version}.txt`)

/**
 * Wall time in which the steps of a session are at least a second apart, as they are where a person types them: what is shown of two times, one of
 * which a step wrote, would else depend on how fast the machine is (`diff` shows that of managedFields where it changed). Never ahead of the client's.
 */
export class SessionClock implements Clock {
  #behindMs = MAX_STEPS * STEP_MS

  now(): number {
    return systemClock.now() - this.#behindMs
  }

  monotonic(): number {
    return systemClock.monotonic()
  }

  after(...args: Parameters<Clock['after']>): Timer {
    return systemClock.after(...args)
  }

  step(): void {
    if (this.#behindMs === 0) throw new Error(`A session has more than ${MAX_STEPS} steps`)
    this.#behindMs -= STEP_MS
  }
}

const STEP_MS = 1000
const MAX_STEPS = 60

export interface Played {
  readonly cluster: ServedCluster
  readonly clock: SessionClock
}

/** Runs a session against the cluster; answers the transcript. */
export async function play(name: string, version: KubectlVersion, { cluster, clock }: Played): Promise<string> {
  const steps = parseSession(readFileSync(join(SESSIONS, `${name}.session`), 'utf8'))
  cpSync(join(SESSIONS, 'manifests'), cluster.directory, { recursive: true })
  const kubectls = { '1.35': await cluster.kubectl('1.35'), [version]: await cluster.kubectl(version) }
  const helm = steps.some(({ program }) => program === 'helm') ? await helmPath() : ''
  const run = ({ program, args, shown }: Step): Promise<Output> =>
    program === 'helm' ? call(helm, args, cluster, {}) : (kubectls[shown ? version : '1.35'] ?? kubectls['1.35'])(args)
  const parts: string[] = []
  for (const step of steps) {
    if (step.only !== undefined && step.only !== version) continue
    clock.step()
    const { code, stdout, stderr } = await run(step)
    if (!step.shown && code !== 0) throw new Error(`${step.line}: ${stderr}${stdout}after ${parts.at(-1)}`)
    if (!step.shown) continue
    const said = normalized(`${stdout}${stderr}`, cluster)
    parts.push(`$ ${step.line}\n${said}${code === 0 ? '' : `[exit ${code}]\n`}`)
  }
  return parts.join('\n')
}

/** What differs from run to run, and what stands for it; in this order. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uid>'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|[+-]\d\d:?\d\d)( UTC)?)?/g, '<time>'],
  [/[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}/g, '<time>'],
  [/[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}/g, '<time>'],
  [/^([EIW])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ \S+\]/gm, '$1<log>]'],
  [/(resourceVersion: |"resourceVersion":)"\d+"/g, '$1<revision>'],
  [/(Resource Version: +)\d+/g, '$1<revision>'],
  // A port of nodes that the session did not choose.
  [/(?<=:)(?!30080)3[0-2]\d{3}(?=\/TCP)/g, '<port>'],
  [/\b10\.96\.\d+\.\d+\b/g, '<ip>'],
  [/\b(LIVE|MERGED)-\d+\b/g, '$1-<n>'],
  [/X509SHA256=[0-9a-f]{64}/g, 'X509SHA256=<digest>'],
  // The random end of a generated name, and a token of an account.
  [/-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '-<random>'],
  [/\bey[\w-]+\.ey[\w-]+\.[\w-]+/g, '<token>'],
]
/** An age in a table (kubectl counts up to 119s), and the width of columns that comes from it. */
const AGE = /(?<=^| {2})(?<!: +)(\d{1,3}s|\d{1,2}[mh]|\d+[dy]){1,2}( \([^)]* ago\))?(?= {2}|$)/gm
const PADDING = /(?<=\S)(?<!^[-+])([ \t]{2,}|\t)/gm

function normalized(text: string, { url, directory }: ServedCluster): string {
  let plain = text.replaceAll(url, '<server>').replaceAll(directory, '<directory>')
  for (const [pattern, instead] of VARYING) plain = plain.replace(pattern, instead)
  plain = plain
    .replace(AGE, '<age>')
    .replace(PADDING, '  ')
    .replace(/[ \t]+$/gm, '')
    .replace(HELM_RESOURCES, (_, kinds: string) => `RESOURCES:\n${inOrder(kinds)}\n\n\n`)
  return plain === '' || plain.endsWith('\n') ? plain : `${plain}\n`
}

/** helm tells the kinds of a release in the order of a Go map, which is none. */
const HELM_RESOURCES = /^RESOURCES:\n(==> [\s\S]*?)\n(?=TEST SUITE:)/m

function inOrder(kinds: string): string {
  return kinds
    .trimEnd()
    .split(/\n+(?===> )/)
    .sort()
    .join('\n\n')
}
