using Microsoft.AspNetCore.Mvc;
using NJsonSchema;
using NSwag;
using NSwag.Generation.Processors;
using NSwag.Generation.Processors.Contexts;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>
/// Orders the document as a newcomer reads it: the explorer shows tags, paths and methods in the document's order.
/// </summary>
/// <param name="tags">The tags with their descriptions, in order.</param>
/// <param name="story">Operations in order; others follow, ordered by path.</param>
sealed class DocumentLayout((string Name, string Description)[] tags, string[] story) : IDocumentProcessor
{
    public static readonly DocumentLayout Public = new(
    [
        ("Account", "Register and log in."),
        ("Profile", "Show and change the caller's own profile; show what others make public."),
        ("Images", "The profile's image."),
        ("Sessions", "Stay logged in, and log devices out."),
        ("Credentials", "Passwords and e-mail addresses."),
        ("Identities", "Log in with Apple, Google or another issuer."),
        ("Passkeys", "Log in with the device's own lock."),
        ("Second factor", "An authenticator app and recovery codes."),
        ("Deletion", "Delete the account with all its data."),
        ("Health", "For operators of the service."),
        (ContractProcessor.Aliases, "The same operations under other paths."),
    ],
    [
        "Register", "Login", "RequestLoginCode", "LoginWithCode", "LoginWithMfa", "StartGuest",
        "GetMe", "UpdateMe", "PatchMe", "GetUser", "ExportMe",
        "UploadImage", "DeleteImage", "UploadPolicy", "GetImage",
        "RefreshToken", "Logout", "ListSessions", "EndSession", "EndOtherSessions", "ListSecurityEvents",
        "ChangePassword", "ForgotPassword", "ResetPassword", "VerifyEmail", "ResendVerification",
        "LoginWithIdToken", "ListIdentities", "AddIdentity", "RemoveIdentity",
        "StartPasskeyRegistration", "AddPasskey", "StartPasskeyLogin", "LoginWithPasskey", "ListPasskeys", "RenamePasskey", "RemovePasskey",
        "GetMfa", "AddTotp", "ConfirmTotp", "RenewRecoveryCodes", "RemoveTotp",
    ]);

    public static readonly DocumentLayout Admin = new(
        [("Users", "Find accounts and help their owners."), ("Audit", "Who did what.")],
        ["FindUsers", "ShowUser", "DisableUser", "EnableUser", "EndUserSessions", "VerifyUser", "ExportUser", "DeleteUser"]);

    public void Process(DocumentProcessorContext context)
    {
        var document = context.Document;
        document.Tags = [.. tags.Select(t => new OpenApiTag { Name = t.Name, Description = t.Description })];
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

    int Place(OpenApiOperation operation)
    {
        var tag = Array.FindIndex(tags, t => t.Name == operation.Tags.FirstOrDefault());
        var place = Array.IndexOf(story, OpenApiSetup.Slice(operation.OperationId));
        return (tag * 100) + (place < 0 ? story.Length : place);
    }
}
