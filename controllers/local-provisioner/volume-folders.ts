/** Makes and removes the folders that hold the data. */
export interface VolumeFolders {
  /** Makes a folder that any user may write to, and answers its absolute path. Idempotent. */
  create(volume: string): Promise<string>
  /** Removes a folder and all that is in it. Idempotent. */
  remove(volume: string): Promise<void>
}
