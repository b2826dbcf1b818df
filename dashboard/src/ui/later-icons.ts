/** Icons that the first load does without, for `Drawn`. */
export const AGAIN = 'M13 8a5 5 0 1 1-1.6-3.7M13 2.2v2.6h-2.6';
export const INFO = 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2M8 7.4v3.4M8 5v.2';
export const LINK = 'M6.5 9.5l3-3M7 4.8l1.6-1.6a3 3 0 0 1 4.2 4.2L11.2 9M9 11.2l-1.6 1.6a3 3 0 0 1-4.2-4.2L4.8 7';
