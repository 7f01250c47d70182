import { describe, expect, test } from 'vitest'
import { delimited, encoded, type Message, message, number } from '../../src/formats/protobuf.ts'
import { Fields } from './protobuf.ts'

const hex = (part: Message) => Buffer.from(encoded(part)).toString('hex')

test('the examples of the specification have its bytes', () => {
  // protobuf.dev, "Encoding": a = 150; b = "testing"; c = { a = 150 }.
  expect(hex(number(1, 150))).toBe('089601')
  expect(hex(delimited(2, 'testing'))).toBe('120774657374696e67')
  expect(hex(delimited(3, number(1, 150)))).toBe('1a03089601')
})

test.each([0, 1, 127, 128, 16383, 16384, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1])('%d is read back', (value) => {
  expect(new Fields(encoded(number(5, value))).numbers(5)).toEqual([value])
})

describe('a field of bytes', () => {
  test.each([0, 1, 127, 128, 16384])('of %d is read back as it was', (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => i)
    expect(new Fields(encoded(delimited(16, bytes))).bytes(16)).toEqual([bytes])
  })

  test('is a part of the array it is given, where that is a view', () => {
    const all = Uint8Array.of(1, 2, 3, 4)
    expect(hex(delimited(1, all.subarray(1, 3)))).toBe('0a020203')
  })
})

test('fields keep their order and may come again, in messages of messages', () => {
  const inner = message(delimited(1, 'ä'), number(2, 300), delimited(1, ''))
  const fields = new Fields(encoded(message(delimited(7, delimited(3, inner)), number(1, 8), delimited(7, message()))))
  expect(fields.order).toEqual([7, 1, 7])
  const [first, second] = fields.messages(7)
  expect(second.order).toEqual([])
  const [read] = first.messages(3)
  expect([read.texts(1), read.numbers(2)]).toEqual([['ä', ''], [300]])
})
