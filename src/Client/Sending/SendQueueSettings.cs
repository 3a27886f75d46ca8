namespace Weir.Client.Sending;

/// <summary>The limits of a <see cref="ClientSendQueue"/>, as copied from the options.</summary>
internal readonly record struct SendQueueSettings(int MaxMessages, int MaxBytes, WhenFull WhenFull);
