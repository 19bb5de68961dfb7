// `drover token …`: bootstrap tokens, with which other machines join.

import { type Command, type Given, NAME_OPTION, OUTPUT_OPTION } from '../command.ts'
import { durationMs, wantsJSON, wrong } from '../inputs.ts'
import { hostOf, type Session, table } from '../session.ts'

async function runningCluster(session: Session, given: Given) {
  const { findCluster, administratorOf } = await import('../clusters.ts')
  const found = findCluster(session, given)
  return { state: found.state, administrator: administratorOf(session, found) }
}

export const tokenCreate: Command = {
  use: 'token create',
  short: 'Make a token with which another machine joins',
  options: [
    NAME_OPTION,
    { flags: '--ttl <duration>', about: 'how long it is good; 0: for ever', default: '24h' },
    { flags: '--description <text>', about: 'what it is for' },
    OUTPUT_OPTION,
  ],
  async run(session, given) {
    const ttlMs = durationMs(given.text('ttl') ?? '24h', 'ttl')
    const cluster = await runningCluster(session, given)
    const { createToken } = await import('../../cluster/tokens.ts')
    const description = given.text('description')
    const created = await createToken(hostOf(session), cluster, { ttlMs, description })
    if (wantsJSON(given)) return session.out(`${JSON.stringify({ schemaVersion: 1, ...created }, undefined, 2)}\n`)
    session.out(`${created.token}\n`)
    session.err(
      `On the other machine, as root:\n  drover agent --server ${created.server} --token ${created.token} --ca-hash ${created.caHash}\n`,
    )
  },
}

export const tokenList: Command = {
  use: 'token list',
  short: 'List the tokens with which machines join',
  options: [NAME_OPTION, OUTPUT_OPTION],
  async run(session, given) {
    const cluster = await runningCluster(session, given)
    const { listTokens } = await import('../../cluster/tokens.ts')
    const tokens = await listTokens(hostOf(session), cluster)
    if (wantsJSON(given)) return session.out(`${JSON.stringify({ schemaVersion: 1, tokens }, undefined, 2)}\n`)
    if (tokens.length === 0) return session.err('No tokens. Make one: drover token create\n')
    const rows = tokens.map(({ id, expires, ended, description }) => [
      id,
      ended ? `${expires} (over)` : expires,
      description,
    ])
    session.out(table(['ID', 'EXPIRES', 'DESCRIPTION'], rows))
  },
}

export const tokenDelete: Command = {
  use: 'token delete <token>',
  short: 'Delete a token, by its id or as a whole',
  options: [NAME_OPTION],
  async run(session, given) {
    const id = (given.args[0] ?? '').split('.')[0] ?? ''
    if (!/^[a-z0-9]{6}$/.test(id)) throw wrong(`"${id}" is not the id of a token`, 'use its first six letters')
    const { deleteToken } = await import('../../cluster/tokens.ts')
    await deleteToken(hostOf(session), await runningCluster(session, given), id)
  },
}
