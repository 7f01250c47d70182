// What is read of the NACC files, by modality: names, kinds and valid ranges as in the data dictionary of the Uniform Data Set
// (versions 1 to 3), the choice of columns as in the paper's application. A code outside of the valid range (-4, 8, 9, 88, 99,
// 888, 8888, 95 to 98, 995 to 998 …) says why nothing is known, and so is a gap.

/** A column of the Uniform Data Set. */
export interface UdsColumn {
  readonly name: string
  readonly kind: 'number' | 'category'
  /** The valid values, both ends among them. */
  readonly low: number
  readonly high: number
  /** A code that says there is none of it, which is a value: `low`. */
  readonly none?: number
  /** Whether it is the same at all visits of a subject. */
  readonly fixed?: boolean
}

export interface UdsModality {
  readonly name: string
  readonly columns: readonly UdsColumn[]
}

const columns = (
  kind: UdsColumn['kind'],
  [low, high]: readonly [number, number],
  names: string,
  more: Pick<UdsColumn, 'none' | 'fixed'> = {},
): UdsColumn[] => names.split(' ').map((name) => ({ name, kind, low, high, ...more }))

const FIXED = { fixed: true }

const demographics = [
  ...columns('category', [1, 6], 'NACCNIHR', FIXED),
  ...columns('category', [1, 8], 'PRIMLANG', FIXED),
  ...columns('category', [1, 2], 'SEX', FIXED),
  ...columns('category', [0, 1], 'HISPANIC', FIXED),
  ...columns('category', [1, 8], 'MARISTAT'),
  ...columns('category', [1, 6], 'NACCLIVS'),
  ...columns('number', [1, 4], 'INDEPEND'),
  ...columns('category', [1, 5], 'RESIDENC'),
  ...columns('number', [18, 120], 'NACCAGE'),
  ...columns('number', [0, 36], 'EDUC', FIXED),
]

const healthHistory = [
  ...columns('category', [0, 1], 'TOBAC30 TOBAC100 NACCTBI DEP2YRS DEPOTHR'),
  // 0 absent, 1 recent or active, 2 remote or inactive.
  ...columns('number', [0, 2], 'CVHATT CVAFIB CVANGIO CVBYPASS CBTIA CVPACE CVCHF CVOTHR CBSTROKE SEIZURES NCOTHR'),
  ...columns('number', [0, 2], 'DIABETES HYPERTEN HYPERCHO B12DEF THYROID INCONTU INCONTF ALCOHOL ABUSOTHR PSYCDIS'),
  ...columns('number', [0, 5], 'PACKSPER', { none: 8 }),
  ...columns('number', [0, 87], 'SMOKYRS', { none: 88 }),
  // The year of the last stroke and of the last transient attack; 8888 where there was none.
  ...columns('number', [1900, 2100], 'NACCSTYR NACCTIYR'),
]

const medication = [
  ...columns('number', [0, 40], 'NACCAMD'),
  ...columns('category', [0, 1], 'ANYMEDS NACCAAAS NACCAANX NACCAC NACCACEI NACCADEP NACCAHTN NACCANGI NACCAPSY NACCBETA'),
  ...columns('category', [0, 1], 'NACCCCBS NACCDBMD NACCDIUR NACCEMD NACCEPMD NACCHTNC NACCLIPL NACCNSD NACCPDMD NACCVASD'),
]

const familyHistory = [
  ...columns('category', [0, 1], 'NACCFADM NACCFFTD', FIXED),
  ...columns('number', [0, 1], 'NACCFAM NACCMOM NACCDAD', FIXED),
]

const depression = [
  ...columns('number', [0, 1], 'NOGDS SATIS DROPACT EMPTY BORED SPIRITS AFRAID HAPPY HELPLESS STAYHOME MEMPROB WONDRFUL'),
  ...columns('number', [0, 1], 'WRTHLESS ENERGY HOPELESS BETTER'),
  ...columns('number', [0, 15], 'NACCGDS'),
]

const activities = columns('number', [0, 3], 'BILLS TAXES SHOPPING GAMES STOVE MEALPREP EVENTS PAYATTN REMDATES TRAVEL')

// Severities of 1 to 3; 8 where there is no such symptom.
const symptoms = columns(
  'number',
  [0, 3],
  'DELSEV HALLSEV AGITSEV DEPDSEV ANXSEV ELATSEV APASEV DISNSEV IRRSEV MOTSEV NITESEV APPSEV',
  { none: 8 },
)

const physical = [
  ...columns('category', [0, 1], 'NACCNREX FOCLSYM FOCLSIGN'),
  ...columns('number', [0, 1], 'DECSUB VISION VISCORR VISWCORR HEARING HEARAID HEARWAID'),
  ...columns('number', [36, 87.9], 'HEIGHT'),
  ...columns('number', [50, 400], 'WEIGHT'),
  ...columns('number', [70, 230], 'BPSYS'),
  ...columns('number', [30, 140], 'BPDIAS'),
  ...columns('number', [33, 160], 'HRATE'),
  ...columns('number', [10, 100], 'NACCBMI'),
]

// Many tests end with version 2 (2015) and have a successor in version 3: those of a cohort's years have few gaps and are kept.
const tests = [
  ...columns('number', [0, 5], 'MMSEORDA MMSEORLO'),
  ...columns('number', [0, 30], 'NACCMMSE NACCMOCA BOSTON'),
  ...columns('number', [0, 32], 'MINTTOTS'),
  ...columns('number', [0, 25], 'LOGIMEM MEMUNITS CRAFTURS CRAFTDRE'),
  ...columns('number', [0, 44], 'CRAFTVRS CRAFTDVR'),
  ...columns('number', [0, 12], 'DIGIF DIGIB'),
  ...columns('number', [0, 9], 'DIGIFLEN DIGIBLEN'),
  ...columns('number', [0, 14], 'DIGFORCT DIGBACCT'),
  ...columns('number', [0, 77], 'ANIMALS VEG'),
  ...columns('number', [0, 17], 'UDSBENTC UDSBENTD'),
  ...columns('number', [0, 93], 'WAIS'),
  ...columns('number', [0, 150], 'TRAILA'),
  ...columns('number', [0, 300], 'TRAILB'),
]

/** Patient Profile, Behavioral Assessment and Clinical Evaluation. */
export const UDS_MODALITIES: readonly UdsModality[] = [
  { name: 'profile', columns: [...demographics, ...healthHistory, ...medication, ...familyHistory] },
  { name: 'behavior', columns: [...depression, ...activities, ...symptoms] },
  { name: 'clinical', columns: [...physical, ...tests] },
]

/** The fourth modality: every column of numbers in the file of MRI volumes and thicknesses but these. */
export const MRI = 'mri'
export const NO_MRI_FEATURES: readonly string[] = [
  'NACCID',
  'NACCADC',
  'SCANDT',
  'MRIYR',
  'MRIMO',
  'MRIDY',
  'LONI_IMAGE_FLAIR',
  'DESCRIPTION_FLAIR',
  'LONI_IMAGE_T1',
  'DESCRIPTION_T1',
  'FREESURFER_VERSION',
]

/** Cognitive status at the visit, NACCUDSD 1 to 4. */
export const LABEL = 'NACCUDSD'
export const CLASSES: readonly string[] = ['normal cognition', 'impaired, not MCI', 'MCI', 'dementia']
