"""Storage: encrypted datasets, documents and Parquet files, and their keys. This room does not know their owners."""

from datalab.storage.encrypted_file import decrypt_bytes, encrypt_bytes, read_encrypted, write_encrypted
from datalab.storage.keys import Key, Keyring, KeyService, MasterKeys, Rewrapped, WrappedKey, rewrap
from datalab.storage.manifest import DatasetDescription
from datalab.storage.master import MasterKeyFile, master_keys
from datalab.storage.parquet import ParquetCipher
from datalab.storage.reader import DatasetReader
from datalab.storage.store import DatasetStore
from datalab.storage.upload import new_upload_id, size_of

__all__ = [
    "DatasetDescription",
    "DatasetReader",
    "DatasetStore",
    "Key",
    "KeyService",
    "Keyring",
    "MasterKeyFile",
    "MasterKeys",
    "ParquetCipher",
    "Rewrapped",
    "WrappedKey",
    "decrypt_bytes",
    "encrypt_bytes",
    "master_keys",
    "new_upload_id",
    "read_encrypted",
    "rewrap",
    "size_of",
    "write_encrypted",
]
