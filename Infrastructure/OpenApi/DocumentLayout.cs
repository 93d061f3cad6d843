using Microsoft.AspNetCore.Mvc;
using NJsonSchema;
using NSwag;
using NSwag.Generation.Processors;
using NSwag.Generation.Processors.Contexts;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>
/// Puts the document into the order in which a newcomer reads it: the page shows the tags, the paths and the methods as they stand.
/// </summary>
sealed class DocumentLayout : IDocumentProcessor
{
    static readonly (string Name, string Description)[] Tags =
    [
        ("Account", "Register and log in."),
        ("Profile", "Show and change the caller's own profile; show what others make public."),
        ("Images", "The profile's image."),
        ("Sessions", "Stay logged in, and log phones out."),
        ("Credentials", "Passwords and e-mail addresses."),
        ("Deletion", "Delete the account with everything."),
        ("Health", "For those who operate the service."),
        (ContractProcessor.Aliases, "The same operations under other paths."),
    ];

    // What is not named here comes behind it, by its path.
    static readonly string[] Story =
    [
        "Register", "Login",
        "GetMe", "UpdateMe", "PatchMe", "GetUser", "ExportMe",
        "UploadImage", "DeleteImage", "UploadPolicy", "GetImage",
        "RefreshToken", "Logout", "ListSessions", "EndSession", "EndOtherSessions", "ListSecurityEvents",
        "ChangePassword", "ForgotPassword", "ResetPassword", "VerifyEmail", "ResendVerification",
    ];

    public void Process(DocumentProcessorContext context)
    {
        var document = context.Document;
        document.Tags = [.. Tags.Select(t => new OpenApiTag { Name = t.Name, Description = t.Description })];
        var paths = document.Paths.OrderBy(p => p.Value.Values.Min(Place)).ThenBy(p => p.Key, StringComparer.Ordinal).ToArray();
        document.Paths.Clear();
        foreach (var (path, item) in paths)
        {
            var operations = item.OrderBy(o => Place(o.Value)).ToArray();
            item.Clear();
            foreach (var (method, operation) in operations)
                item.Add(method, operation);
            document.Paths.Add(path, item);
        }
        // Each error has our form.
        document.Components.Schemas.Remove(nameof(ProblemDetails));
        document.Components.Schemas.Remove(nameof(HttpValidationProblemDetails));
        var problem = document.Components.Schemas[nameof(Problem)].Properties;
        foreach (var schema in (JsonSchema[])[problem["code"], problem["error_codes"].AdditionalPropertiesSchema!.Item!])
        {
            schema.MaxLength = null;
            foreach (var error in ErrorCodes.All)
                schema.Enumeration.Add(error.Code);
        }
    }

    static int Place(OpenApiOperation operation)
    {
        var tag = Array.FindIndex(Tags, t => t.Name == operation.Tags.FirstOrDefault());
        var place = Array.IndexOf(Story, OpenApiSetup.Slice(operation.OperationId));
        return (tag * 100) + (place < 0 ? Story.Length : place);
    }
}
