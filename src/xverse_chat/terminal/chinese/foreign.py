"""What the operating system and Python's JSON and TOML readers say most often, in Chinese.

Standard library only. What is not here is shown as it is.
"""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    "No such file or directory": "没有这个文件或目录",
    "Permission denied": "没有权限",
    "Operation not permitted": "不允许的操作",
    "Not a directory": "不是目录",
    "Is a directory": "是一个目录",
    "File exists": "文件已经存在",
    "File name too long": "文件名太长",
    "No space left on device": "磁盘已满",
    "Disk quota exceeded": "超出磁盘配额",
    "Read-only file system": "文件系统是只读的",
    "Input/output error": "输入输出错误",
    "Bad file descriptor": "无效的文件描述符",
    "Broken pipe": "管道已关闭",
    "Too many open files": "打开的文件太多",
    "Too many levels of symbolic links": "符号链接的层数太多",
    "Stale file handle": "文件句柄已失效",
    "Expecting value": "缺少值",
    "Expecting property name enclosed in double quotes": "缺少用双引号括起来的键",
    "Expecting ',' delimiter": "缺少逗号",
    "Expecting ':' delimiter": "缺少冒号",
    "Illegal trailing comma before end of object": "对象末尾有多余的逗号",
    "Illegal trailing comma before end of array": "数组末尾有多余的逗号",
    "Extra data": "后面有多余的内容",
    "Unterminated string starting at": "字符串没有结束",
    "Invalid control character at": "含有无效的控制字符",
    "Invalid \\escape": "含有无效的转义",
    "Invalid statement": "无效的语句",
    "Invalid value": "无效的值",
    "Invalid initial character for a key part": "键的开头有无效的字符",
    "Expected '=' after a key in a key/value pair": "键的后面缺少等号",
    "Expected newline or end of document after a statement": "语句后面有多余的内容",
    "Expected ']' at the end of a table declaration": "表的声明末尾缺少 ]",
    "Cannot overwrite a value": "同一个键出现了两次",
    "Unterminated string": "字符串没有结束",
    "Illegal character '\\n'": "字符串中间换行了",
    "Unclosed array": "数组没有结束",
}
