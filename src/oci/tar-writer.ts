// Writing tar archives reproducibly: the same entries give the same bytes (POSIX ustar, extended headers only where needed).

export interface TarItem {
  readonly path: string
  readonly type: 'file' | 'directory' | 'symlink' | 'hardlink'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeSeconds: number
  /** Where a link leads. */
  readonly target?: string
  readonly size?: number
  readonly content?: AsyncIterable<Uint8Array>
}

const BLOCK_BYTES = 512
const TYPE = { file: '0', hardlink: '1', symlink: '2', directory: '5', extended: 'x' } as const

/** The bytes of an archive of `items`, in the order given. */
export async function* writeTar(items: AsyncIterable<TarItem> | Iterable<TarItem>): AsyncGenerator<Uint8Array> {
  for await (const item of items) {
    yield* headers(item)
    if (item.content === undefined) continue
    const size = item.size ?? 0
    let written = 0
    for await (const chunk of item.content) {
      written += chunk.byteLength
      yield chunk
    }
    if (written !== size)
      throw new Error(`Cannot write "${item.path}" to tar archive: it has ${written} bytes, ${size} were announced`)
    yield padding(size)
  }
  yield Buffer.alloc(2 * BLOCK_BYTES)
}

function padding(size: number): Uint8Array {
  return Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES)
}

function* headers(item: TarItem): Generator<Uint8Array> {
  const path = item.type === 'directory' ? `${item.path}/` : item.path
  const target = item.target ?? ''
  const extended: string[] = []
  const split = splitPath(path)
  if (split === undefined) extended.push(record('path', path))
  if (!fits(target, 100)) extended.push(record('linkpath', target))
  for (const key of ['uid', 'gid'] as const) if (item[key] > 0o7777777) extended.push(record(key, String(item[key])))
  if (extended.length > 0) {
    const body = Buffer.from(extended.join(''))
    yield block(
      { ...item, size: body.length, mode: 0o644, uid: 0, gid: 0 },
      { name: 'PaxHeader', prefix: '', target: '', flag: TYPE.extended },
    )
    yield body
    yield padding(body.length)
  }
  const place = split ?? { name: Buffer.from(path).subarray(0, 100).toString('latin1'), prefix: '' }
  yield block(item, { ...place, target: fits(target, 100) ? target : '', flag: TYPE[item.type] })
}

/** One pax record. Its length counts the digits of the length itself. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  if (String(length).length !== String(rest).length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

const fits = (text: string, bytes: number): boolean => text.length <= bytes && Buffer.byteLength(text) === text.length

/** ustar keeps 100 bytes of name and 155 of the folders before it. */
function splitPath(path: string): { name: string; prefix: string } | undefined {
  if (fits(path, 100)) return { name: path, prefix: '' }
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)]
    if (name !== '' && fits(prefix, 155) && fits(name, 100)) return { name, prefix }
  }
  return undefined
}

function block(item: TarItem, place: { name: string; prefix: string; target: string; flag: string }): Uint8Array {
  const bytes = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, at: number, digits: number): number =>
    bytes.write(
      Math.min(value, 8 ** digits - 1)
        .toString(8)
        .padStart(digits, '0'),
      at,
      'latin1',
    )
  bytes.write(place.name, 0, 'latin1')
  octal(item.mode & 0o7777, 100, 7)
  octal(item.uid, 108, 7)
  octal(item.gid, 116, 7)
  octal(item.size ?? 0, 124, 11)
  octal(item.mtimeSeconds, 136, 11)
  bytes.write('        ', 148, 'latin1')
  bytes.write(place.flag, 156, 'latin1')
  bytes.write(place.target, 157, 'latin1')
  bytes.write('ustar\x0000', 257, 'latin1')
  bytes.write(place.prefix, 345, 'latin1')
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}
