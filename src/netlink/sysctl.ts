// Kernel settings of the network, read and written through `sysctl`, so that they also work inside a network namespace.

import type { RunCommand } from './command.ts'
import { succeed } from './command.ts'

/** With slashes: an interface's name may have a dot in it. */
const KEY = /^net(\/[A-Za-z0-9_.-]+)+$/

function checkKey(key: string): string {
  if (!KEY.test(key) || key.split('/').includes('..'))
    throw new Error(`Cannot use setting: ${JSON.stringify(key)} is not a name`)
  return key
}

/** Undefined when the kernel has no such setting. */
export async function readSetting(run: RunCommand, key: string): Promise<string | undefined> {
  const result = await run(['sysctl', '-n', checkKey(key)])
  return result.code === 0 ? result.stdout.trim() : undefined
}

export async function writeSetting(run: RunCommand, key: string, value: string | number): Promise<void> {
  await succeed(run, ['sysctl', '-q', '-w', `${checkKey(key)}=${value}`])
}

/** Several at once. One that the kernel does not have is passed over. */
export async function writeSettings(
  run: RunCommand,
  settings: Readonly<Record<string, string | number>>,
): Promise<void> {
  const words = Object.entries(settings).map(([key, value]) => `${checkKey(key)}=${value}`)
  await succeed(run, ['sysctl', '-q', '-e', '-w', ...words])
}
