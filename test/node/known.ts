/** A column of each modality of visits, in which 1 is a valid value. */
export const known = ['MARISTAT', 'TRAVEL', 'MMSEORDA'] as const
