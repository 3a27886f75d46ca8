namespace Weir.Host.Features;

/// <summary>What a configuration, or the machine, permits.</summary>
/// <param name="Area">What it is about.</param>
/// <param name="Severity">How serious it is.</param>
/// <param name="Text">One line, with the setting that would change it.</param>
internal sealed record Finding(ExposureArea Area, Severity Severity, string Text);
