// One cluster for all topics of this folder, and for each topic a namespace of its own and a kubectl to drive it with.

import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type KubectlVersion, kubectlPath } from '../../../src/testing/kubectl.ts'
import { freePort, makePlace, type Outcome, type Place } from '../cluster/fixture.ts'

const IMAGES = ['busybox', 'nginx'].map((name) =>
  fileURLToPath(new URL(`../../../examples/images/${name}.yaml`, import.meta.url)),
)

/** A kubectl that runs. */
export class Running {
  out = ''
  err = ''
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Outcome>
  #wake: () => void = () => {}
  #over = false

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.out += text
      this.#wake()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.err += text
      this.#wake()
    })
    // A program that ended before it read everything is no failure of the test's.
    child.stdin.on('error', () => {})
    this.ended = once(child, 'close').then(([code]) => {
      this.#over = true
      this.#wake()
      return { code, out: this.out, err: this.err }
    })
  }

  /** Resolves with the first match in what was said so far (stdout, then stderr), as soon as there is one. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const find = (): RegExpExecArray | null => pattern.exec(this.out) ?? pattern.exec(this.err)
    await this.until(() => find() !== null, String(pattern))
    const match = find()
    if (match === null) throw new Error(`${pattern} has state: it cannot be looked for twice`)
    return match
  }

  async until(said: () => boolean, what = 'what was expected'): Promise<void> {
    while (!said()) {
      if (this.#over) throw new Error(`It ended before it said ${what}:\n${this.out}${this.err}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async stop(): Promise<void> {
    this.child.kill()
    await this.ended
  }
}

export interface Input {
  readonly stdin?: string | Buffer
  readonly env?: Readonly<Record<string, string>>
  /** Wrapped in a terminal of this size. */
  readonly terminal?: { readonly rows: number; readonly columns: number }
}

/** Words are parted by spaces; what must not be cut is given as a list. */
export type Words = string | readonly string[]
const wordsOf = (words: Words): readonly string[] => (typeof words === 'string' ? words.split(' ') : words)

export interface KubernetesObject {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string }
  readonly spec?: { readonly [field: string]: unknown }
  readonly status?: PodFacts
}

/** Of what a status says, the part the topics look at. */
export interface PodFacts {
  readonly phase?: string
  readonly podIP?: string
  readonly conditions?: readonly { readonly type: string; readonly status: string }[]
  readonly containerStatuses?: readonly {
    readonly name: string
    readonly ready: boolean
    readonly restartCount: number
    readonly state: States
    readonly lastState: States
  }[]
}

interface States {
  readonly running?: object
  readonly waiting?: { readonly reason: string; readonly message?: string }
  readonly terminated?: {
    readonly reason: string
    readonly message?: string
    readonly exitCode: number
    readonly startedAt?: string
  }
}

export class Session {
  readonly version: KubectlVersion
  readonly namespace: string
  /** For files of the topic's own. */
  readonly directory: string
  readonly programs: Readonly<Record<KubectlVersion, string>>
  readonly #env: Readonly<Record<string, string>>

  constructor(
    place: Place,
    options: {
      readonly version: KubectlVersion
      readonly namespace: string
      readonly programs: Readonly<Record<KubectlVersion, string>>
    },
  ) {
    this.version = options.version
    this.namespace = options.namespace
    this.programs = options.programs
    this.directory = join(place.data, '..', options.namespace)
    mkdirSync(this.directory)
    this.#env = { PATH: process.env['PATH'] ?? '', HOME: this.directory, KUBECONFIG: place.kubeconfig, TERM: 'xterm' }
  }

  readonly start = (words: Words, { stdin, env = {}, terminal }: Input = {}, version = this.version): Running => {
    const argv = [this.programs[version], '-n', this.namespace, ...wordsOf(words)]
    const [program = '', ...rest] = terminal === undefined ? argv : inTerminal(argv, terminal)
    const running = new Running(
      spawn(program, rest, { env: { ...this.#env, ...env }, cwd: this.directory, stdio: 'pipe' }),
    )
    if (stdin !== undefined) running.child.stdin.end(stdin)
    // Without a script to read, a terminal stays open until the program ends.
    else if (terminal === undefined) running.child.stdin.end()
    return running
  }

  readonly ok = async (words: Words, input: Input = {}): Promise<string> => {
    const { code, out, err } = await this.start(words, input).ended
    if (code !== 0) throw new Error(`kubectl ${wordsOf(words).join(' ')} ended with ${code}:\n${err}${out}`)
    return out
  }

  /** What it said on stderr. */
  readonly fails = async (words: Words, input: Input = {}): Promise<string> => {
    const { code, out, err } = await this.start(words, input).ended
    if (code === 0) throw new Error(`kubectl ${wordsOf(words).join(' ')} should have failed:\n${out}`)
    return err
  }

  readonly apply = async (...objects: object[]): Promise<void> => {
    await this.ok('apply -f -', { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) })
  }

  /** Resolves with the objects as soon as they are as they should be: looked at anew after every change. */
  readonly until = async <T extends KubernetesObject>(
    words: string,
    reached: (objects: readonly T[]) => boolean,
  ): Promise<readonly T[]> => {
    const watching = this.start(`get ${words} -o json --watch --output-watch-events`, {}, '1.35')
    const objects = new Map<string, T>()
    let read = 0
    try {
      for (;;) {
        const end = watching.out.indexOf('\n', read)
        if (end < 0) {
          if (objects.size > 0 && reached([...objects.values()])) return [...objects.values()]
          const { length } = watching.out
          await watching.until(() => watching.out.length > length)
          continue
        }
        const { type, object } = JSON.parse(watching.out.slice(read, end)) as { type: string; object: T }
        read = end + 1
        if (type === 'DELETED') objects.delete(object.metadata.uid)
        else objects.set(object.metadata.uid, object)
      }
    } catch (error) {
      const last = JSON.stringify([...objects.values()].map(({ metadata: { name }, status }) => ({ name, status })))
      throw new Error(`Waiting for ${words} in vain: ${last}`, { cause: error })
    } finally {
      await watching.stop()
    }
  }

  readonly file = (name: string, content: string | Buffer): string => {
    const path = join(this.directory, name)
    writeFileSync(path, content)
    return path
  }
}

/** `script` gives a terminal to what it runs; the size is set from within, as the terminal of a test has none. */
function inTerminal(argv: readonly string[], { rows, columns }: { rows: number; columns: number }): string[] {
  const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  return ['script', '-qec', `stty rows ${rows} cols ${columns}; tty; exec ${quoted}`, '/dev/null']
}

export interface SharedCluster extends Disposable {
  readonly place: Place
  readonly name: string
  session(version: KubectlVersion): Promise<Session>
}

export async function startCluster(name: string): Promise<SharedCluster> {
  const place = makePlace()
  try {
    const programs = { '1.35': await kubectlPath('1.35'), '1.20': await kubectlPath('1.20') }
    place.must('up', '-n', name, '-p', await freePort())
    for (const image of IMAGES) place.must('image', 'build', image, '-n', name)
    let count = 0
    return {
      place,
      name,
      async session(version) {
        const session = new Session(place, { version, namespace: `topic-${++count}`, programs })
        await session.ok(`create namespace ${session.namespace}`)
        // Pods need the account, which the controller makes a moment later.
        await session.start('wait --for=create serviceaccount/default --timeout=30s', {}, '1.35').ended
        return session
      },
      [Symbol.dispose]: () => place[Symbol.dispose](),
    }
  } catch (error) {
    place[Symbol.dispose]()
    throw error
  }
}
