// Errors are thrown where outside data enters and nowhere else. They are told apart by `name`, because a class does not
// survive a worker; each message says what came, what was expected and what to do.

class NamedError extends Error {
  constructor(name: string, message: string) {
    super(message)
    this.name = name
  }
}

/** Arrays whose sizes do not fit each other. */
export class ShapeError extends NamedError {
  constructor(message: string) {
    super('ShapeError', message)
  }
}

/** Data that cannot be learned from or predicted: a bad cell, an unknown label, an empty split. */
export class DataError extends NamedError {
  constructor(message: string) {
    super('DataError', message)
  }
}

/** A setting outside what is allowed. */
export class ConfigError extends NamedError {
  constructor(message: string) {
    super('ConfigError', message)
  }
}

/** A file that is not what it should be. */
export class FormatError extends NamedError {
  constructor(message: string) {
    super('FormatError', message)
  }
}

/** More memory than the host gives. */
export class MemoryError extends NamedError {
  constructor(message: string) {
    super('MemoryError', message)
  }
}

/** Something the host does not give: a worker, a file, an answer from the network. */
export class HostError extends NamedError {
  constructor(message: string) {
    super('HostError', message)
  }
}
