namespace Weir.Auth.Keys;

/// <summary>Keys cannot be read; the message gives the operator the reason, and contains no secret.</summary>
internal sealed class KeySourceException(string message, Exception? innerException = null) : Exception(message, innerException);
