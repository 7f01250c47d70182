/** Whether a request carries the token. How long that takes does not depend on how much of it is right. */
export async function carries(request: Request, token: string): Promise<boolean> {
  const given = /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1]
  const [mine, theirs] = await Promise.all([digestOf(token), digestOf(given ?? '')])
  let difference = given === undefined ? 1 : 0
  for (let i = 0; i < mine.length; i++) difference |= mine[i] ^ theirs[i]
  return difference === 0
}

const digestOf = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
