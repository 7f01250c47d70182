/** Version of this library, as in package.json; a test holds them equal. */
export const VERSION = '0.3.0'
