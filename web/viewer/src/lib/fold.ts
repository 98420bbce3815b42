/** Text without case and Vietnamese marks, for searching: "Đường Nguyễn" and "duong nguyen" are the same. */
export function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').replace(/[đĐ]/g, 'd').toLowerCase();
}
