import type { BuildOptions } from 'esbuild'
export declare const threadBundle: BuildOptions
