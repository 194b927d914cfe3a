export function configurationDocs(): string
