namespace Weir.Auth.Keys;

/// <summary>Keys cannot be read; the message says why, is meant for the operator, and has no secret in it.</summary>
internal sealed class KeySourceException(string message, Exception? innerException = null) : Exception(message, innerException);
