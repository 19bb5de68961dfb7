// What is taken, and by which service, as entries of the store: the creation of an entry is what no two servers can both do.

import type { ObjectKey } from '../../apimachinery/metadata.ts'

export interface Owner {
  namespace: string
  name: string
}

export interface Claim<Place> {
  place: Place
  /** Of this very entry: another one for the same place has another. */
  id: string
  /** undefined: not a service. */
  owner: Owner | undefined
  /** It reads as this server would have written it. */
  sound: boolean
}

/** Addresses or node ports. What is known comes from the cache: it is as old as what the cache shows of services, and no older. */
export interface Claims<Place> {
  /** The revision at which anything here last changed. */
  readonly changedAt: number
  has(place: Place): boolean
  get(place: Place): Claim<Place> | undefined
  /** Those that this server's kind wrote. */
  all(): Iterable<Claim<Place>>
  /** undefined: somebody has it. */
  take(place: Place, owner: Owner): Promise<Claim<Place> | undefined>
  /** Makes another of this very claim, in one step, so that whoever made it can no longer give it back. undefined: it is gone, or was replaced. */
  replace(claim: Claim<Place>): Promise<Claim<Place> | undefined>
  /** Gives back this very claim; one that is gone, or has been replaced, is left alone. */
  release(claim: Claim<Place>): Promise<void>
}

export const isOwner = (owner: Owner | undefined, { namespace, name }: Owner): boolean =>
  owner !== undefined && owner.namespace === namespace && owner.name === name

export const ownerOf = ({ namespace = '', name }: ObjectKey): Owner => ({ namespace, name })
