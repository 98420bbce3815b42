"""Sheets for meetings: A4 in the manner of Vietnamese administrative documents (Decree 30/2020/NĐ-CP)."""
