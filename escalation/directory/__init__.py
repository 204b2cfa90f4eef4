"""The directory of institutions (机构目录): its fields, its files, who may change what, when an entry is too old."""
