"""What ``terminal`` says in errors, in Chinese. Standard library only."""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "An export is a file that ends in {suffixes}.": "导出的文件名须以 {suffixes} 之一结尾。",
    "Add one of these to the name.": "请在文件名后加上其中一个。",
    "Nothing was said yet that could be exported.": "还没有可以导出的内容。",
}
