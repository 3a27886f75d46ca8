namespace Weir.Host.Settings;

/// <summary>A setting as operators see it. The same row defines how it is read (<see cref="SettingTable{T}"/>).</summary>
/// <param name="Key">The key; <c>&lt;n&gt;</c> stands for the number of a list's entry.</param>
/// <param name="Unit">The unit or type of its value.</param>
/// <param name="Default">Its value if it is not set.</param>
/// <param name="Range">The permitted values; empty if the unit or the text says it.</param>
/// <param name="Text">The meaning, in Markdown, with links relative to the root of the repository; empty if the key says it.</param>
internal sealed record Setting(string Key, string Unit, string Default, string Range, string Text);
