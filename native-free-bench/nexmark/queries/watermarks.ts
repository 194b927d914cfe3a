/** The watermark that Nexmark's table declares: dateTime - 4 s. */
import { boundedOutOfOrderness, seconds } from 'headrace'

export const eventTime = () => boundedOutOfOrderness<{ dateTime: number }>(seconds(4), 'dateTime')
