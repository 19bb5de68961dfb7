// A patch that cannot be applied: either it is not a patch (bad request), or it does not fit the object (unprocessable).

export class PatchError extends Error {
  /** The patch is well formed, but the object is not what it expects: 422 instead of 400. */
  readonly unfit: boolean

  constructor(message: string, options: { unfit: boolean }) {
    super(message)
    this.unfit = options.unfit
  }
}
